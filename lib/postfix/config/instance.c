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
#define HASH_QUEUE_NAMES "hash_queue_names"
#define HASH_QUEUE_DEPTH "hash_queue_depth"

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

void postconf_cut(struct strbuf *text)
{
	for (size_t n = 0; n < text->len; n++)
		if (text->text[n] == '\n')
			text->text[n] = '\0';
}

const char *postconf_find(const struct strbuf *lines, const char *service, const char *name)
{
	const struct strlist list = strlist_of(lines);
	size_t service_len = strlen(service), len = strlen(name);

	strlist_each (line, &list) {
		const char *at = line;

		if (service_len > 0 && (!str_starts(line, service) || line[service_len] != '/'))
			continue;
		at += service_len > 0 ? service_len + 1 : 0;
		if (!str_starts(at, name))
			continue;
		at += len + strspn(at + len, " ");
		if (*at == '=')
			return at + 1 + strspn(at + 1, " ");
	}
	return NULL;
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

/* lines: postconf's output. */
static int find(
    const struct strbuf *lines, const char *name, const char **ret_value, struct err *err)
{
	*ret_value = postconf_find(lines, "", name);
	return *ret_value ? 0 : err_set(err, ERR_CONFIG, "postconf does not know %s", name);
}

static int fill(struct postfix *p, const struct strbuf *lines, struct err *err)
{
	const char *value, *hashed;
	uint64_t depth;
	int code = find(lines, HASH_QUEUE_NAMES, &hashed, err);

	code = code ?: find(lines, HASH_QUEUE_DEPTH, &value, err);
	if (code == 0 && str_parse_u64(value, 1, HASH_DEPTH_MAX, &depth) < 0)
		code = err_set(err, ERR_CONFIG, "hash_queue_depth '%s' is not 1 to 16", value);
	for (size_t n = 0; code == 0 && n < COUNT_OF(texts); n++) {
		char **text = text_of(p, n);

		code = find(lines, texts[n].name, &value, err);
		if (code == 0)
			*text = text == &p->myorigin ? resolve_origin(value) : strdup(value);
		if (code == 0 && !*text)
			code = err_sys(err, ENOMEM, "failed to keep the Postfix configuration");
	}
	if (code < 0)
		return code;
	if (p->queue_directory[0] != '/' || p->command_directory[0] != '/')
		return err_set(
		    err, ERR_CONFIG, "queue_directory or command_directory is not absolute");
	take_hashing(p, hashed, (unsigned)depth);
	code = role_of_user(p->mail_owner, &p->owner, err);
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
	AUTO(strbuf_release) struct strbuf lines = {0};

	if (!postfix_master_mentions(p, name))
		return 0;
	int code = postconf_run(p->config_directory, "-P", words, &lines, err);
	if (code < 0)
		return code;
	postconf_cut(&lines);
	const struct strlist list = strlist_of(&lines);
	strlist_each (line, &list) {
		const char *value = strstr(line, " = ");

		if (value)
			strlist_push(&p->service_names, value + 3, strlen(value + 3));
	}
	return p->service_names.failed
		   ? err_sys(err, ENOMEM, "failed to keep the Postfix configuration")
		   : 0;
}

int postfix_read(const char *config_directory, struct postfix *ret, struct err *err)
{
	const char *names[COUNT_OF(texts) + 3] = {HASH_QUEUE_NAMES, HASH_QUEUE_DEPTH};
	struct postfix p = {.config_directory = realpath(config_directory, NULL)};
	AUTO(strbuf_release) struct strbuf lines = {0};

	if (!p.config_directory) {
		err_sys(
		    err, errno, "failed to find the Postfix configuration '%s'", config_directory);
		return ERR_CONFIG;
	}
	for (size_t n = 0; n < COUNT_OF(texts); n++)
		names[n + 2] = texts[n].name;
	int code = postconf_run(p.config_directory, "-x", names, &lines, err);
	postconf_cut(&lines);
	code = code ?: fill(&p, &lines, err);
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
	AUTO(strbuf_release) struct strbuf lines = {0};
	int code = postconf_run(p->config_directory, "-x", names, &lines, err);

	postconf_cut(&lines);
	for (size_t n = 0; code == 0 && names[n]; n++) {
		const char *value;

		strbuf_clear(&rets[n]);
		code = find(&lines, names[n], &value, err);
		if (code == 0)
			strbuf_puts(&rets[n], value);
		if (rets[n].failed)
			return err_sys(err, ENOMEM, "failed to keep %s", names[n]);
	}
	return code;
}

int postfix_parameter(
    const struct postfix *p, const char *name, struct strbuf *ret, struct err *err)
{
	const char *names[] = {name, NULL};

	return postfix_parameters(p, names, ret, err);
}
