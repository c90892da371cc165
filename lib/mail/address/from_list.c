/* SPDX-License-Identifier: ISC */
#include "mail/address/from_list.h"

#include "base/bytes.h"
#include "mail/address/address_parts.h"

static bool is_recorded(const struct from_list *list, const char *text, uint64_t hash)
{
	struct strlist recorded = strlist_of(&list->packed);
	unsigned n = 0;

	while (n < list->count && list->hashes[n] != hash)
		n++;
	if (n == list->count)
		return false;
	strlist_each (item, &recorded)
		if (strcmp(item, text) == 0)
			return true;
	return false;
}

static void report(struct from_list *list, const struct address *address)
{
	size_t len = strlen(address->text);
	uint64_t hash = bytes_hash(address->text, len);

	if (len == 0)
		return;
	list->cut |= address->cut;
	if (is_recorded(list, address->text, hash))
		return;
	if (list->count < FROM_MAILBOX_MAX) {
		strlist_push(&list->packed, address->text, len);
		list->hashes[list->count++] = hash;
	} else {
		list->cut = true;
	}
	if (list->taken)
		list->taken(list->arg, address);
}

/* libidn2 would be asked: not ASCII, or punycode. */
static bool is_costly(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] >= 0x80 ||
		    (bytes[i] == '-' && i >= 3 && bytes[i - 1] == '-'))
			return true;
	return false;
}

/* Asks libidn2 only once for the same bytes. Returns whether the domain was cut. */
static bool costly_domain(struct from_list *list, struct from_costly *costly, const char *bytes,
    size_t len, struct domain *ret)
{
	struct known_domain *k = costly->known;

	for (; k < costly->known + FROM_KNOWN; k++) {
		if (k->len == len && memcmp(k->raw, bytes, len) == 0) {
			*ret = k->normal;
			return k->cut;
		}
	}
	if (list->names >= FROM_NAMES_MAX) {
		list->cut = true;
		return domain_unmapped(bytes, len, ret);
	}
	list->names += 1 + (unsigned)len / 32;
	if (len > FROM_KNOWN_LEN)
		return domain_normal(bytes, len, ret);
	k = &costly->known[costly->next++ % FROM_KNOWN];
	k->len = len;
	memcpy(k->raw, bytes, len);
	k->cut = domain_normal(bytes, len, &k->normal);
	*ret = k->normal;
	return k->cut;
}

void from_list_add(struct from_list *list, struct from_costly *costly, const char *local,
    size_t local_len, const char *domain, size_t domain_len)
{
	struct address address;
	struct domain normal;
	bool cut;

	if (++list->looked > FROM_LOOKED_MAX) {
		list->cut = true;
		return;
	}
	if (is_costly(domain, domain_len))
		cut = costly_domain(list, costly, domain, domain_len, &normal);
	else
		cut = domain_normal(domain, domain_len, &normal);
	address_join(local, local_len, &normal, cut, &address);
	report(list, &address);
}

bool from_was_bounded(const struct from_list *list)
{
	return list->looked > FROM_LOOKED_MAX || list->names >= FROM_NAMES_MAX;
}

void from_clear(struct from_list *list)
{
	strbuf_clear(&list->packed);
	list->count = list->names = list->looked = 0;
	list->cut = false;
}

void from_release(struct from_list *list)
{
	strbuf_release(&list->packed);
	*list = (struct from_list){.taken = list->taken, .arg = list->arg};
}
