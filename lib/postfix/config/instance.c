/* SPDX-License-Identifier: ISC */
#include "postfix/config/instance.h"
#include "base/clock.h"
#include "base/io.h"
#include "postfix/spool/queue.h"
#include "postfix/tool/child.h"

#define POSTCONF_TIMEOUT (10 * USEC_PER_SEC)
#define POSTCONF_MAX     ((size_t)1 << 20)
#define ASKED_MAX        32
#define BLANKS           " \t\r\n,"

static const char *const postconf_places[] = {
    "/usr/sbin/postconf", "/usr/bin/postconf", "/usr/local/sbin/postconf"};

static const struct text {
	const char *name;
	size_t member;
} texts[] = {
    {"queue_directory", offsetof(struct postfix, queue_directory)},
    {"command_directory", offsetof(struct postfix, command_directory)},
    {"mail_owner", offsetof(struct postfix, mail_owner)},
    {"myhostname", offsetof(struct postfix, myhostname)},
    {"myorigin", offsetof(struct postfix, myorigin)},
    {"mydestination", offsetof(struct postfix, mydestination)},
};
enum {
	AT_HASH_QUEUE_NAMES = COUNT_OF(texts),
	AT_HASH_QUEUE_DEPTH,
	AT_COUNT,
};

static char **text_of(struct postfix *p, size_t n)
{
	void *at = (char *)p + texts[n].member;
	return at;
}

static const char *postconf_path(void)
{
	for (size_t n = 0; n < COUNT_OF(postconf_places); n++)
		if (access(postconf_places[n], X_OK) == 0)
			return postconf_places[n];
	return postconf_places[0];
}

/* In the second after a change of main.cf, postconf 3.10 expands $config_directory to the default
 * directory, unless -o sets it. But postconf edits only without -o. */
int postconf_run(const char *directory, const char *option, const char *const *words,
    struct strbuf *ret, struct err *err)
{
	const char *argv[ASKED_MAX + 7] = {postconf_path(), "-c", directory};
	bool edits = strcmp(option, "-e") == 0 || strcmp(option, "-X") == 0;
	AUTO(strbuf_release) struct strbuf itself = {0};
	size_t at = 3;

	strbuf_printf(&itself, "config_directory=%s", directory);
	if (!edits) {
		argv[at++] = "-o";
		argv[at++] = strbuf_text(&itself);
	}
	argv[at++] = option;
	for (size_t n = 0; n < ASKED_MAX && words[n]; n++)
		argv[at++] = words[n];
	int code = itself.failed
		       ? -ENOMEM
		       : postfix_run(argv, POSTCONF_MAX, POSTCONF_TIMEOUT, NULL, ret, err);
	if (code == 0)
		return 0;
	if (code > 0)
		strbuf_release(ret);
	return err_within(err, ERR_CONFIG, "the Postfix configuration in '%s'", directory);
}

const char *postconf_value(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0)
		return NULL;
	line += len;
	line += strspn(line, " ");
	return *line == '=' ? line + 1 + strspn(line + 1, " ") : NULL;
}

/* text: postconf's output, cut into lines; may be NULL. */
static void take_values(char *text, const char *const *names, size_t count, const char **values)
{
	char *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		for (size_t n = 0; n < count; n++) {
			const char *value = postconf_value(line, names[n]);
			if (value)
				values[n] = value;
		}
}

/* In Debian's Postfix myorigin may name a file, whose first line is the value. */
static char *resolve_origin(const char *value)
{
	char line[1024] = "";

	if (value[0] != '/')
		return strdup(value);
	FILE *file = fopen(value, "re");
	if (file) {
		if (!fgets(line, sizeof(line), file))
			line[0] = '\0';
		fclose(file);
	}
	line[strcspn(line, " \t\r\n")] = '\0';
	return strdup(line);
}

static void take_hashing(struct postfix *p, const char *names, unsigned depth)
{
	char words[1024];
	char *rest = NULL;

	snprintf(words, sizeof(words), "%s", names);
	p->hash_depth = depth;
	for (char *word = strtok_r(words, BLANKS, &rest); word;
	     word = strtok_r(NULL, BLANKS, &rest))
		for (unsigned n = 0; n < QUEUE_COUNT; n++)
			if (str_equal_nocase(word, queue_word(queue_at(n))))
				p->hashed_queues |= queue_at(n);
}

static int fill(
    struct postfix *p, const char *const *names, const char *const *values, struct err *err)
{
	uint64_t depth;

	for (size_t n = 0; n < AT_COUNT; n++)
		if (!values[n])
			return err_set(err, ERR_CONFIG, "postconf does not know %s", names[n]);
	if (str_parse_u64(values[AT_HASH_QUEUE_DEPTH], 1, HASH_DEPTH_MAX, &depth) < 0)
		return err_set(err, ERR_CONFIG, "hash_queue_depth '%s' is not 1 to 16",
		    values[AT_HASH_QUEUE_DEPTH]);
	for (size_t n = 0; n < COUNT_OF(texts); n++) {
		bool is_origin = text_of(p, n) == &p->myorigin;

		*text_of(p, n) = is_origin ? resolve_origin(values[n]) : strdup(values[n]);
		if (!*text_of(p, n))
			return err_sys(err, ENOMEM, "failed to keep the Postfix configuration");
	}
	if (p->queue_directory[0] != '/' || p->command_directory[0] != '/')
		return err_set(
		    err, ERR_CONFIG, "queue_directory or command_directory is not absolute");
	take_hashing(p, values[AT_HASH_QUEUE_NAMES], (unsigned)depth);
	int code = role_of_user(p->mail_owner, &p->owner, err);
	/* Our children read queue files as this user. Postfix refuses root, too. */
	if (code == 0 && p->owner.uid == 0)
		code = err_set(err, ERR_CONFIG, "mail_owner '%s' is root", p->mail_owner);
	return code;
}

static bool mentions(const char *line, const char *const *words)
{
	if (line[strspn(line, " \t")] == '#')
		return false;
	while (*words && !strstr(line, *words))
		words++;
	return *words != NULL;
}

bool postfix_master_mentions(const struct postfix *p, const char *const *words)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	bool found = false;

	snprintf(path, sizeof(path), "%s/master.cf", p->config_directory);
	FILE *file = fopen(path, "re");
	while (file && !found && getline(&line, &room, file) >= 0)
		found = mentions(line, words);
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* Lines are "smtp/inet/myhostname = mx2.example". */
static int read_service_names(struct postfix *p, struct err *err)
{
	static const char *const name[] = {"myhostname", NULL};
	static const char *const words[] = {"-x", "*/*/myhostname", NULL};
	AUTO(strbuf_release) struct strbuf text = {0};
	char *rest = NULL;

	if (!postfix_master_mentions(p, name))
		return 0;
	int code = postconf_run(p->config_directory, "-P", words, &text, err);
	for (char *line = code == 0 && text.text ? strtok_r(text.text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *value = strstr(line, " = ");

		if (value)
			strlist_push(&p->service_names, value + 3, strlen(value + 3));
	}
	if (code == 0 && p->service_names.failed)
		return err_sys(err, ENOMEM, "failed to keep the Postfix configuration");
	return code;
}

int postfix_read(const char *config_directory, struct postfix *ret, struct err *err)
{
	const char *names[AT_COUNT + 1] = {
	    [AT_HASH_QUEUE_NAMES] = "hash_queue_names", [AT_HASH_QUEUE_DEPTH] = "hash_queue_depth"};
	const char *values[AT_COUNT] = {0};
	struct postfix p = {.config_directory = realpath(config_directory, NULL)};
	AUTO(strbuf_release) struct strbuf text = {0};

	if (!p.config_directory) {
		err_sys(
		    err, errno, "failed to find the Postfix configuration '%s'", config_directory);
		return ERR_CONFIG;
	}
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		names[n] = texts[n].name;
	int code = postconf_run(p.config_directory, "-x", names, &text, err);
	if (code == 0) {
		take_values(text.text, names, AT_COUNT, values);
		code = fill(&p, names, values, err);
	}
	code = code ?: read_service_names(&p, err);
	if (code < 0)
		postfix_release(&p);
	else
		*ret = p;
	return code;
}

/* What postsuper(1) reads (global/mail_params.c, maillog_client.c), without parameters about other
 * instances and those that need the network. */
static const char *const postsuper_reads[] = {"compatibility_level", "queue_directory",
    "mail_owner", "setgid_group", "default_privs", "myhostname", "mydomain", "mail_name",
    "syslog_name", "syslog_facility", "inet_protocols", "command_directory", "daemon_directory",
    "data_directory", "import_environment", "maillog_file", "maillog_file_prefixes",
    "maillog_file_permissions", "postlog_service_name", "enable_long_queue_ids", NULL};

void postfix_private_remove(char *directory)
{
	char path[PATH_MAX];

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/main.cf", directory);
	unlink(path);
	rmdir(directory);
	free(directory);
}

int postfix_private_main(const struct strbuf *text, char **ret_directory, struct err *err)
{
	char first[] = "/run/pqpurge-postfix.XXXXXX", second[] = "/tmp/pqpurge-postfix.XXXXXX";
	const char *made = mkdtemp(first);
	char *directory, path[PATH_MAX];

	if (!made && !(made = mkdtemp(second)))
		return err_sys(err, errno, "failed to make a directory in /run or /tmp");
	directory = strdup(made);
	snprintf(path, sizeof(path), "%s/main.cf", made);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int code = fd < 0                       ? -errno
		   : text->failed || !directory ? -ENOMEM
						: io_write_all(fd, strbuf_text(text), text->len);
	io_close(&fd);
	if (code == 0) {
		*ret_directory = directory;
		return 0;
	}
	unlink(path);
	rmdir(made);
	free(directory);
	return err_sys(err, -code, "failed to write '%s'", path);
}

/* The values are expanded already. */
static void put_values(struct strbuf *into, const struct strbuf *values)
{
	for (size_t n = 0; n < values->len; n++) {
		if (values->text[n] == '$')
			strbuf_putc(into, '$');
		strbuf_putc(into, values->text[n]);
	}
}

/* Log directories stay as they are on disk. The list must not be empty, so it may be "none",
 * which is not a queue. */
static void put_hashing(struct strbuf *into, const struct postfix *p)
{
	struct queue queue = {.defer = 1, .bounce = 1, .trace = 1};

	(void)!queue_open(p, &queue, NULL);
	queue_close(&queue);
	strbuf_printf(into, "hash_queue_depth = %u\nhash_queue_names = none", p->hash_depth);
	for (unsigned n = 0; n < QUEUE_COUNT; n++)
		if (p->hashed_queues & queue_at(n))
			strbuf_printf(into, " %s", queue_word(queue_at(n)));
	strbuf_printf(into, "%s%s%s\n", queue.defer >> p->hash_depth & 1 ? " defer" : "",
	    queue.bounce >> p->hash_depth & 1 ? " bounce" : "",
	    queue.trace >> p->hash_depth & 1 ? " trace" : "");
}

static bool copy(struct postfix *to, const struct postfix *from)
{
	bool good = true;

	*to = *from;
	to->config_directory = NULL;
	to->service_names = (struct strbuf){0};
	for (size_t n = 0; n < COUNT_OF(texts); n++) {
		*text_of(to, n) = strdup(*text_of(to, n));
		good &= *text_of(to, n) != NULL;
	}
	return good;
}

int postfix_with_layout(const struct postfix *p, unsigned hashed_queues, unsigned depth,
    struct postfix *ret, struct err *err)
{
	AUTO(strbuf_release) struct strbuf values = {0}, text = {0};
	struct postfix made;
	int code = postconf_run(p->config_directory, "-x", postsuper_reads, &values, err);

	if (code < 0)
		return code;
	if (!copy(&made, p)) {
		code = err_sys(err, ENOMEM, "failed to keep the Postfix configuration");
	} else {
		made.hashed_queues = hashed_queues;
		made.hash_depth = depth;
		put_values(&text, &values);
		put_hashing(&text, &made);
		code = postfix_private_main(&text, &made.config_directory, err);
		made.private_directory = true;
	}
	if (code < 0)
		postfix_release(&made);
	else
		*ret = made;
	return code;
}

void postfix_release(struct postfix *p)
{
	if (p->private_directory)
		postfix_private_remove(p->config_directory);
	else
		free(p->config_directory);
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		free(*text_of(p, n));
	strbuf_release(&p->service_names);
	*p = (struct postfix){0};
}

int postfix_parameters(
    const struct postfix *p, const char *const *names, struct strbuf *rets, struct err *err)
{
	const char *values[ASKED_MAX] = {0};
	AUTO(strbuf_release) struct strbuf text = {0};
	size_t count = 0;
	int code = postconf_run(p->config_directory, "-x", names, &text, err);

	if (code < 0)
		return code;
	while (count < COUNT_OF(values) && names[count])
		count++;
	take_values(text.text, names, count, values);
	for (size_t n = 0; n < count; n++) {
		strbuf_clear(&rets[n]);
		if (!values[n])
			return err_set(err, ERR_CONFIG, "postconf does not know %s", names[n]);
		strbuf_puts(&rets[n], values[n]);
		if (rets[n].failed)
			return err_sys(err, ENOMEM, "failed to keep %s", names[n]);
	}
	return 0;
}

int postfix_parameter(
    const struct postfix *p, const char *name, struct strbuf *ret, struct err *err)
{
	const char *names[] = {name, NULL};

	return postfix_parameters(p, names, ret, err);
}
