/* SPDX-License-Identifier: ISC */
/* Whose queue the index is about. */
#include "purge/status/belongs.h"

#include "base/clock.h"
#include "index/client.h"
#include "index/overview.h"

#define TELL_TIMEOUT USEC_PER_SEC

enum belongs belongs_of(const char *known_queue_directory, const char *known_hostname,
    const char *queue_directory, const char *hostname)
{
	if (!known_queue_directory || !*known_queue_directory)
		return BELONGS_UNKNOWN;
	if (strcmp(known_queue_directory, queue_directory) != 0)
		return BELONGS_ELSEWHERE;
	return strcmp(known_hostname, hostname) == 0 ? BELONGS_HERE : BELONGS_RENAMED;
}

static void tell(const struct settings *settings, const struct postfix *postfix)
{
	struct client_answer answer = {0};
	struct bytes request = {0};
	struct span span;

	request_instance(&request, postfix->queue_directory, postfix->myhostname);
	span = bytes_span(&request);
	if (!request.failed &&
	    client_send(settings->index_directory, &span, 1, TELL_TIMEOUT, &answer, NULL) == 0)
		client_answer_release(&answer);
	bytes_release(&request);
}

int belongs_check(const struct settings *settings, const struct postfix *postfix, bool tell_index,
    bool drops_rows, struct err *err)
{
	char *directory = NULL, *hostname = NULL, old[256], new[256];
	struct err words = {{0}};
	enum belongs belongs;
	int code = overview_instance(settings->index_directory, &directory, &hostname, &words);

	if (code < 0 && drops_rows && code != ERR_NO_INDEX) {
		*err = words;
		return code;
	}
	if (code < 0)
		return 0;
	code = 0;
	belongs = belongs_of(directory, hostname, postfix->queue_directory, postfix->myhostname);
	if (belongs == BELONGS_ELSEWHERE)
		code = err_set(err, ERR_INSTANCE,
		    "the index in '%s' is about the Postfix queue '%s', not about '%s' of '%s'; "
		    "nothing was done. Each instance needs a configuration of its own, given by "
		    "-c; where the queue itself was moved, stop the daemon and remove the index",
		    settings->index_directory, directory, postfix->queue_directory,
		    postfix->config_directory);
	if (belongs == BELONGS_RENAMED)
		fprintf(stderr, "pqpurge-idx: myhostname is now '%s'; the index was made on '%s'\n",
		    str_scrub(new, sizeof(new), postfix->myhostname),
		    str_scrub(old, sizeof(old), hostname));
	if (tell_index && (belongs == BELONGS_UNKNOWN || belongs == BELONGS_RENAMED))
		tell(settings, postfix);
	free(directory);
	free(hostname);
	return code;
}
