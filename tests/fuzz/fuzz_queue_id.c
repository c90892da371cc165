/* SPDX-License-Identifier: ISC */
/*
 * Queue IDs: an accepted ID is what Postfix would write for the same inode and time, byte for byte.
 * The same holds for packed ones. Any packed value is one ID or none.
 */
#include "base/clock.h"
#include "mail/queue_id.h"
#include "tests/fuzz/fuzz.h"

/* As in Postfix's safe_ultostr.c. */
static size_t write_number(char *to, uint64_t value, unsigned base, size_t width)
{
	static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
	char reversed[64];
	size_t n = 0;

	for (; value; value /= base)
		reversed[n++] = digits[value % base];
	while (n < width)
		reversed[n++] = '0';
	for (size_t i = 0; i < n; i++)
		to[i] = reversed[n - 1 - i];
	return n;
}

static void write_id(const struct queue_id_parts *parts, char *to, size_t size)
{
	size_t n = 0;

	if (!parts->is_long) {
		snprintf(to, size, "%05X%llX", parts->usec, (unsigned long long)parts->inode);
		return;
	}
	n += write_number(to, (uint64_t)(parts->time / USEC_PER_SEC), 52, 6);
	n += write_number(to + n, parts->usec, 52, 4);
	to[n++] = 'z';
	n += write_number(to + n, parts->inode, 51, 0);
	to[n] = '\0';
}

static void check_packed(const struct queue_id *id)
{
	struct packed_id packed;
	struct queue_id back;

	if (queue_id_pack(id, &packed) < 0) /* seconds beyond 41 bits */
		return;
	fuzz_require((packed.time & PACKED_ID_FLAGS) == 0);
	packed.time |= PACKED_ID_FLAG_B;
	fuzz_require(queue_id_unpack(&packed, &back) == 0 && queue_id_equal(id, &back));
}

static void check_value(const uint8_t *data, size_t size)
{
	struct packed_id packed, again;
	struct queue_id id;

	if (size != sizeof(packed))
		return;
	memcpy(&packed, data, sizeof(packed));
	if (queue_id_unpack(&packed, &id) < 0)
		return;
	fuzz_require(queue_id_pack(&id, &again) == 0 && again.inode == packed.inode);
	fuzz_require(again.time == (packed.time & ~PACKED_ID_FLAGS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct queue_id_parts parts;
	struct queue_id id;
	char written[128];

	check_value(data, size);
	if (queue_id_parse(size ? (const char *)data : "", size, &id) < 0)
		return 0;
	fuzz_require(strlen(id.text) == size && memcmp(id.text, data, size) == 0);
	queue_id_split(&id, &parts);
	fuzz_require(parts.inode > 0 && parts.usec < USEC_PER_SEC);
	fuzz_require(parts.is_long ? parts.time % USEC_PER_SEC == parts.usec : parts.time == -1);
	write_id(&parts, written, sizeof(written));
	fuzz_require(strcmp(written, id.text) == 0);
	check_packed(&id);
	return 0;
}
