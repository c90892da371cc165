/* SPDX-License-Identifier: ISC */
/* pqpurge-link(8): the agent of a host, and the operator's side of --fleet. */
#include <getopt.h>
#include <sys/resource.h>

#include "base/io.h"
#include "base/log.h"
#include "fleet/agent.h"
#include "fleet/operator.h"

#define NAME        "pqpurge-link"
#define MEMORY_MORE (512u << 20) /* bytes; a hostile database may send any amount */

struct options {
	const char *file; /* NULL: the default file */
	bool debug, help, version;
};

static int usage(FILE *to)
{
	fprintf(to, "usage: " NAME " [-c FILE] [-h] [-v] [-V] agent | operator\n");
	return 1;
}

static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "+c:hvV", names, NULL)) != -1) {
		ret->file = option == 'c' ? optarg : ret->file;
		ret->help |= option == 'h';
		ret->debug |= option == 'v';
		ret->version |= option == 'V';
		if (option == '?')
			return usage(stderr);
	}
	return 0;
}

static int run_agent(const struct options *options)
{
	struct settings settings;
	struct err err = {{0}};

	if (settings_load(options->file, &settings, &err) != 0) {
		fprintf(stderr, NAME ": %s\n", err.text);
		return 1;
	}
	log_open(NAME, settings.log_to_stderr ? LOG_TO_STDERR : LOG_TO_SYSLOG, options->debug);
	if (agent_run(&settings, &err) == 0) {
		settings_release(&settings);
		return 0;
	}
	log_error("%s", err.text);
	if (!settings.log_to_stderr)
		fprintf(stderr, NAME ": %s\n", err.text);
	settings_release(&settings);
	return 1;
}

static void bound_process(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	const struct rlimit no_core = {0, 0};
	struct rlimit limit;

	setrlimit(RLIMIT_CORE, &no_core); /* memory holds the private key */
	if (file && fscanf(file, "%lu", &pages) == 1) {
		limit.rlim_cur = limit.rlim_max =
		    pages * (unsigned long)sysconf(_SC_PAGESIZE) + MEMORY_MORE;
		setrlimit(RLIMIT_AS, &limit);
	}
	if (file)
		fclose(file);
}

int main(int argc, char **argv)
{
	struct options options = {0};

	if (io_guard_stdio() != 0 || parse_options(argc, argv, &options) != 0)
		return 1;
	if (options.help)
		usage(stdout);
	else if (options.version)
		puts(NAME " " PQPURGE_VERSION);
	if (options.help || options.version)
		return fflush(stdout) == 0 ? 0 : 1;
	bound_process();
	if (optind + 1 == argc && strcmp(argv[optind], "agent") == 0)
		return run_agent(&options);
	if (optind + 1 == argc && strcmp(argv[optind], "operator") == 0)
		return operator_run(STDIN_FILENO, STDOUT_FILENO);
	return usage(stderr);
}
