/* SPDX-License-Identifier: ISC */
/* main() for builds without libFuzzer: gives each file named as an argument to the target, once. */
#include "tests/fuzz/fuzz.h"

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, cap = 0;
	int ret = -1;

	if (!file) {
		perror(path);
		return -1;
	}
	do {
		cap = cap ? 2 * cap : 4096;
		uint8_t *grown = realloc(data, cap);

		if (!grown)
			goto out;
		data = grown;
		size += fread(data + size, 1, cap - size, file);
	} while (size == cap);
	if (ferror(file)) {
		perror(path);
		goto out;
	}
	LLVMFuzzerTestOneInput(data, size);
	ret = 0;
out:
	free(data);
	fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			return 1;
	return 0;
}
