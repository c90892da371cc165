/* SPDX-License-Identifier: ISC */
/* The policy front's state of messages between requests. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "milter/policy/transactions.h"

/* Its bytes are bounded: hosts that name many long recipients and never end cost no more. */
static void test_large(void **state)
{
	static const struct session_config config = {.origin = "", .max_recipients = 1000};
	struct transactions *t = transactions_new();
	char instance[32], recipient[512];
	(void)state;

	snprintf(recipient, sizeof(recipient), "%0500d@r.example", 0);
	for (unsigned i = 0; i < 160; i++) {
		snprintf(instance, sizeof(instance), "%x.1.1.1", i);
		struct transaction *one = transactions_take(t, instance);
		one->session = session_new(&config);
		for (unsigned k = 0; k < config.max_recipients; k++)
			session_rcpt_unquoted(one->session, recipient, NULL);
		transactions_put(t, one);
	}
	assert_true(transactions_count(t) >= 10 &&
		    transactions_count(t) <=
			TRANSACTIONS_BYTES / (config.max_recipients * strlen(recipient)));
	struct transaction *last = transactions_take(t, instance);
	assert_non_null(last->session);
	transactions_put(t, last);
	transactions_free(t);
}

/* An smtpd has one message at a time, so its next one replaces one that was given up. */
static void test_one_of_a_process(void **state)
{
	struct transactions *t = transactions_new();
	(void)state;

	for (unsigned i = 0; i < 1000; i++) {
		char instance[32];

		snprintf(instance, sizeof(instance), "3f1.65a1b2c3.d4e5f.%x", i);
		struct transaction *one = transactions_take(t, instance);
		assert_string_equal(one->instance, instance);
		assert_false(one->refused);
		one->refused = true;
		transactions_put(t, one);
		one = transactions_take(t, instance);
		assert_true(one->refused);
		transactions_put(t, one);
	}
	assert_int_equal(transactions_count(t), 1);
	transactions_put(t, transactions_take(t, "3f.65a1b2c3.d4e5f.0"));
	transactions_put(t, transactions_take(t, "3f12.65a1b2c3.d4e5f.0"));
	transactions_put(t, transactions_take(t, "3f1"));
	assert_int_equal(transactions_count(t), 3);
	transactions_free(t);
}

static int64_t steady;
static int64_t test_steady(void)
{
	return steady;
}

/* A message that was given up is forgotten. */
static void test_patience(void **state)
{
	struct transactions *t = transactions_new();
	(void)state;

	clock_inject(NULL, test_steady);
	steady = 1;
	for (unsigned i = 0; i < 100; i++) {
		char instance[16];

		snprintf(instance, sizeof(instance), "%u", i);
		transactions_put(t, transactions_take(t, instance));
	}
	assert_int_equal(transactions_count(t), 100);
	steady += TRANSACTIONS_PATIENCE;
	for (unsigned i = 0; i < 100; i++)
		transactions_put(t, transactions_take(t, "new"));
	assert_int_equal(transactions_count(t), 1);
	/* A taken transaction belongs to its taker alone. */
	struct transaction *one = transactions_take(t, "new"), *two = transactions_take(t, "new");
	assert_ptr_not_equal(one, two);
	assert_int_equal(transactions_count(t), 0);
	transactions_put(t, one);
	transactions_put(t, two);
	assert_int_equal(transactions_count(t), 1);
	transactions_put(t, transactions_take(t, ""));
	assert_int_equal(transactions_count(t), 1);
	transactions_free(t);
	clock_inject(NULL, NULL);
}

UNIT_MAIN(cmocka_unit_test(test_large), cmocka_unit_test(test_one_of_a_process),
    cmocka_unit_test(test_patience))
