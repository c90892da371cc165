# SPDX-License-Identifier: ISC
# Growth curves from RESULTS/*.tsv as SVG beside them: gnuplot -e "results='DIR'" plots.gp
set terminal svg size 640,400 font "sans-serif,12" background "white"
set datafile separator "\t"
set key top left reverse Left
set grid ls 1 lc rgb "#dddddd"
set logscale x
set format x "10^%T"
have(name) = system(sprintf("test -s '%s/%s.tsv' && echo 1 || echo 0", results, name)) + 0

if (have("history")) {
	set output results."/history.svg"
	set title "purge of 2,000 of 10,000 queued messages"
	set xlabel "other rows in the index"
	set ylabel "seconds"
	set yrange [0:*]
	plot results."/history.tsv" using ($1 > 0 ? $1 : 1000):2:3:4 skip 1 with yerrorlines lw 2 title "pqpurge-idx -y (median, least, most)"
}
if (have("growth")) {
	set output results."/growth.svg"
	set title "a fifth of the queue goes"
	set xlabel "messages queued"
	set ylabel "seconds"
	set logscale y
	set yrange [*:*]
	plot results."/growth.tsv" using 1:2 skip 1 with linespoints lw 2 title "pqpurge-idx -y", \
	     "" using 1:3 skip 1 with linespoints lw 2 title "bare postsuper -d - (IDs given)"
	unset logscale y
}
if (have("index")) {
	set output results."/ingest.svg"
	set title "rows recorded, one a commit"
	set xlabel "rows in the index"
	set ylabel "microseconds of CPU a commit"
	set yrange [0:*]
	plot results."/index.tsv" using "rows":"commit-one" with linespoints lw 2 title "one session", \
	     "" using "rows":"commit-many" with linespoints lw 2 title "20 sessions at once"
	set output results."/ask.svg"
	set title "selections, in the process and through the command's children"
	set ylabel "milliseconds"
	set logscale y
	set yrange [*:*]
	plot results."/index.tsv" using "rows":"domain" with linespoints lw 2 title "a tenth of all, by domain", \
	     "" using "rows":"domain-command" with linespoints lw 2 title "the same, command", \
	     "" using "rows":"domain-few" with linespoints lw 2 title "one in 5,000, by domain", \
	     "" using "rows":"login" with linespoints lw 2 title "all filtered by login", \
	     "" using "rows":"login-command" with linespoints lw 2 title "the same, command"
	unset logscale y
}
