/* SPDX-License-Identifier: ISC */
/* One request's thread. */
#include "milter/errand.h"

#include <pthread.h>

#include "base/io.h"

static void *errand_main(void *arg)
{
	struct errand *e = arg;

	e->work(e->arg, e);
	e->done(e->arg, e);
	return NULL;
}

int errand_start(struct errand *e)
{
	pthread_t thread;
	int errnum = pthread_create(&thread, NULL, errand_main, e);

	if (errnum == 0)
		pthread_detach(thread);
	return -errnum;
}

void errand_free(struct errand *e)
{
	if (!e)
		return;
	json_free(e->request);
	json_free(e->answer);
	io_close(&e->body);
	io_close(&e->file);
	free(e);
}
