/* SPDX-License-Identifier: ISC */
/* Packed copies of rules: for each its line, its length, its stored form. */
#include "milter/rulepack.h"

#include <errno.h>

int rulepack_fill(struct rulepack *pack, const struct rule_list *rules)
{
	struct bytes fresh = {0};

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = &rules->list[i];
		size_t length_at;

		bytes_put_u32(&fresh, r->line); /* not part of the stored form */
		length_at = fresh.len;
		bytes_put_u32(&fresh, 0);
		rule_encode(r, &fresh);
		if (!fresh.failed)
			bytes_set_u32(&fresh, length_at, (uint32_t)(fresh.len - length_at - 4));
	}
	if (fresh.failed) {
		bytes_release(&fresh);
		return -ENOMEM;
	}
	bytes_release(&pack->bytes);
	pack->bytes = fresh;
	return 0;
}

int rulepack_read(const struct rulepack *pack, struct rule_list *ret)
{
	struct reader from = reader_of(pack->bytes.at, pack->bytes.len);
	struct rule_list rules = {0};
	int code = 0;

	while (!code && !reader_done(&from)) {
		struct rule r = {0};
		unsigned line = reader_u32(&from);

		code = rule_decode(reader_blob(&from), &r, NULL);
		if (!code) {
			r.line = line;
			code = rule_list_add(&rules, &r);
		}
		if (code)
			rule_release(&r);
	}
	if (code) {
		rule_list_release(&rules);
		return code;
	}
	*ret = rules;
	return 0;
}

void rulepack_release(struct rulepack *pack)
{
	bytes_release(&pack->bytes);
}
