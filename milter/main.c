/* SPDX-License-Identifier: ISC */
#include <getopt.h>

#include "base/io.h"
#include "base/log.h"
#include "milter/daemon.h"

#define NAME "pqpurge-milter"

struct options {
	const char *file; /* NULL: the default */
	bool check, debug, help, version;
};

static int usage(FILE *to)
{
	fprintf(to, "usage: " NAME " [-c FILE] [-h] [-n] [-v] [-V]\n");
	return 1;
}

static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "c:hnvV", names, NULL)) != -1) {
		ret->file = option == 'c' ? optarg : ret->file;
		ret->help |= option == 'h';
		ret->check |= option == 'n';
		ret->debug |= option == 'v';
		ret->version |= option == 'V';
		if (option == '?')
			return usage(stderr);
	}
	return optind == argc ? 0 : usage(stderr);
}

static int check(const struct options *options, const struct settings *settings)
{
	struct err err;

	if (daemon_check(settings, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (options->debug)
		settings_print(settings, stdout);
	puts("configuration OK");
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Returns only if the start failed. */
static int run(const struct options *options, const struct settings *settings)
{
	struct err err = {{0}};

	log_open(NAME, settings->log_to_stderr ? LOG_TO_STDERR : LOG_TO_SYSLOG, options->debug);
	if (daemon_run(settings, &err) == 0)
		return 0;
	log_error("%s", err.text);
	if (!settings->log_to_stderr)
		fprintf(stderr, NAME ": %s\n", err.text);
	return 1;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct settings settings;
	struct err err;

	if (io_guard_stdio() != 0 || parse_options(argc, argv, &options) != 0)
		return 1;
	if (options.help)
		usage(stdout);
	else if (options.version)
		puts(NAME " " PQPURGE_VERSION);
	if (options.help || options.version)
		return fflush(stdout) == 0 ? 0 : 1;
	if (settings_load(options.file, &settings, &err) != 0) {
		if (!options.check)
			log_open(NAME, LOG_TO_SYSLOG, false);
		if (!options.check)
			log_error("%s", err.text);
		fprintf(stderr, "%s%s\n", options.check ? "" : NAME ": ", err.text);
		return 1;
	}
	int status = options.check ? check(&options, &settings) : run(&options, &settings);
	settings_release(&settings);
	return status;
}
