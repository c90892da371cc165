/* SPDX-License-Identifier: ISC */
#include "purge/setup/setup_units.h"
#include "base/clock.h"
#include "base/settings/settings.h"
#include "postfix/config/instance.h"

#define TIMEOUT    (90 * USEC_PER_SEC) /* systemd gives up sooner on a unit that does not start */
#define OUTPUT_MAX ((size_t)1 << 16)

bool setup_systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

const char *setup_instance_of(const char *conf, char *buf, size_t size)
{
	static const char directory[] = "/etc/pqpurge/", suffix[] = ".conf";
	size_t len = strlen(conf), around = strlen(directory) + strlen(suffix);

	if (strcmp(conf, SETTINGS_DEFAULT_FILE) == 0)
		return "";
	if (!str_starts(conf, directory) || len <= around ||
	    strcmp(conf + len - strlen(suffix), suffix) != 0)
		return NULL;
	snprintf(buf, size, "%.*s", (int)(len - around), conf + strlen(directory));
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
	static const char *const names[] = {"pqpurge-milter", "pqpurge-milter", "pqpurge-sync",
	    "pqpurge-order-daemon", "pqpurge-order-operator"};
	static const char *const kinds[] = {"socket", "service", "timer", "socket", "socket"};
	char buf[200], file[64], unit[300];
	const char *instance = setup_instance_of(conf, buf, sizeof(buf));

	for (size_t n = str_starts(socket, "fd:") ? 0 : 1; instance && n < COUNT_OF(names); n++) {
		const char *at = *instance ? "@" : "";

		snprintf(file, sizeof(file), "%s%s.%s", names[n], at, kinds[n]);
		snprintf(unit, sizeof(unit), "%s%s%s.%s", names[n], at, instance, kinds[n]);
		if (is_installed(file))
			strlist_push(ret_packed, unit, strlen(unit));
	}
}

int setup_systemctl(const char *verb, const char *option, const char *unit, struct err *err)
{
	const char *argv[5] = {"/usr/bin/systemctl", verb};
	AUTO(strbuf_release) struct strbuf out = {0};
	size_t count = 2;

	if (option)
		argv[count++] = option;
	argv[count] = unit;
	int code = postfix_run(argv, OUTPUT_MAX, TIMEOUT, NULL, &out, err);
	return code > 0 ? err_within(err, ERR_CHILD, "%s", unit ? unit : "systemd") : code;
}

bool setup_unit_is_enabled(const char *unit)
{
	return setup_systemctl("is-enabled", "--quiet", unit, NULL) == 0;
}

bool setup_unit_is_active(const char *unit)
{
	return setup_systemctl("is-active", "--quiet", unit, NULL) == 0;
}
