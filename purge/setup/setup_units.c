/* SPDX-License-Identifier: ISC */
/* Which units belong to a settings file, and systemctl(1). */
#include <unistd.h>

#include "base/clock.h"
#include "base/settings.h"
#include "postfix/config/instance.h"
#include "purge/setup/setup_units.h"

#define TIMEOUT    (90 * USEC_PER_SEC) /* a unit that does not start is given up by systemd first */
#define OUTPUT_MAX ((size_t)1 << 16)

bool setup_systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

const char *setup_instance_of(const char *conf, char *buf, size_t size)
{
	static const char directory[] = "/etc/pqpurge/";
	size_t len = strlen(conf);

	if (strcmp(conf, SETTINGS_DEFAULT_FILE) == 0)
		return "";
	if (!str_starts(conf, directory) || len < sizeof(directory) + strlen(".conf") ||
	    strcmp(conf + len - strlen(".conf"), ".conf") != 0)
		return NULL;
	snprintf(buf, size, "%.*s", (int)(len - strlen(".conf") - strlen(directory)),
	    conf + strlen(directory));
	return strchr(buf, '/') ? NULL : buf;
}

static bool is_installed(const char *file)
{
	static const char *const places[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
	    "/usr/lib/systemd/system", "/lib/systemd/system"};
	char path[512];

	for (size_t n = 0; n < COUNT_OF(places); n++) {
		snprintf(path, sizeof(path), "%s/%s", places[n], file);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

void setup_units_of(const char *conf, const char *socket, struct strbuf *ret_packed)
{
	static const struct {
		const char *name, *kind;
		bool for_descriptor;
	} units[] = {
	    {"pqpurge-milter", "socket", true},
	    {"pqpurge-milter", "service", false},
	    {"pqpurge-sync", "timer", false},
	};
	char buf[200], file[SETUP_UNIT_MAX], unit[SETUP_UNIT_MAX];
	const char *instance = setup_instance_of(conf, buf, sizeof(buf));

	for (size_t n = 0; instance && n < COUNT_OF(units); n++) {
		if (units[n].for_descriptor && !str_starts(socket, "fd:"))
			continue;
		snprintf(file, sizeof(file), "%s%s.%s", units[n].name, *instance ? "@" : "",
		    units[n].kind);
		snprintf(unit, sizeof(unit), "%s%s%s.%s", units[n].name, *instance ? "@" : "",
		    instance, units[n].kind);
		if (is_installed(file))
			strlist_push(ret_packed, unit, strlen(unit));
	}
}

int setup_systemctl(const char *const *words, const char *unit, struct err *err)
{
	const char *argv[8] = {"/usr/bin/systemctl"};
	struct strbuf out = {0};
	size_t count = 1;
	int code;

	if (access(argv[0], X_OK) != 0)
		argv[0] = "/bin/systemctl";
	for (; *words && count < COUNT_OF(argv) - 2; words++)
		argv[count++] = *words;
	argv[count] = unit;
	code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, &out, err);
	strbuf_release(&out);
	return code;
}

bool setup_unit_is_enabled(const char *unit)
{
	static const char *const words[] = {"is-enabled", "--quiet", NULL};

	return setup_systemctl(words, unit, NULL) == 0;
}

bool setup_unit_is_active(const char *unit)
{
	static const char *const words[] = {"is-active", "--quiet", NULL};

	return setup_systemctl(words, unit, NULL) == 0;
}
