/* SPDX-License-Identifier: ISC */
/* An order as a stranger might send it. If it is read, it is sent again byte for byte. */
#include "tests/fuzz/fuzz.h"

#include "door/door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes again = {0};
	struct door_order order;
	struct err err = {{0}};

	if (door_decode((struct span){data, size}, &order, &err) < 0) {
		fuzz_require(err.text[0] != '\0');
		return 0;
	}
	fuzz_require(door_encode(&order, &again, NULL) == 0);
	fuzz_require(again.len == size && memcmp(again.at, data, size) == 0);
	bytes_release(&again);
	door_order_release(&order);
	return 0;
}
