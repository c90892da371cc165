/* SPDX-License-Identifier: ISC */
/* This host's Received headers: Postfix's own are read, others are not. */
#include "tests/unit/unit.h"

#include "mail/join.h"

#define HOST   "mx.rig.test"
#define CLIENT "(mail.evil.test [203.0.113.7])"
#define BY     "by mx.rig.test (Postfix)"
#define DATE   "; Sun, 29 Nov 2026 11:30:58 +0000 (UTC)"

static const struct {
	const char *name, *value;
	const char *id, *login, *client;
	int64_t uid; /* 0: -1; -2: 0 */
	bool plain;
} ours[] = {
    {"plain",
	"from client.test " CLIENT "\n\t" BY " with ESMTP id C951EA72936\n\tfor <u@d.test>" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = true},
    {"several recipients", "from c " CLIENT "\n\t" BY " with ESMTP id C951EA72936;\n\tSun, 29 Nov",
	"C951EA72936", "", "203.0.113.7", .plain = true},
    {"unfolded", "from c " CLIENT " " BY " with ESMTP id C951EA72936 for <u@d.test>" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = true},
    {"logged in, not told", "from c " CLIENT "\n\t" BY " with ESMTPSA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"logged in, told",
	"from c " CLIENT "\n\t(Authenticated sender: joe)\n\t" BY
	" with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "joe", "203.0.113.7", .plain = false},
    {"TLS, a certificate, a login",
	"from c " CLIENT "\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t "
	"key-exchange ECDHE "
	"(P-256) server-signature ECDSA (P-384) server-digest SHA384)\n\t(Client CN \"x(y)\", "
	"Issuer "
	"\"z\" (verified OK))\n\t(Authenticated sender: joe@example.com)\n\t" BY
	" with ESMTPSA id C951EA72936" DATE,
	"C951EA72936", "joe@example.com", "203.0.113.7", .plain = false},
    {"long ID", "from c " CLIENT " " BY " with ESMTPS id 4dFVrw75plz1p3V6" DATE, "4dFVrw75plz1p3V6",
	"", "203.0.113.7", .plain = true},
    {"SMTPUTF8", "from c " CLIENT " " BY " with UTF8SMTPSA id C951EA72936" DATE, "C951EA72936", "",
	"203.0.113.7", .plain = false},
    {"HELO", "from c " CLIENT " " BY " with SMTP id C951EA72936" DATE, "C951EA72936", "",
	"203.0.113.7", .plain = false},
    {"IPv6",
	"from [IPv6:2001:db8::1] (localhost [IPv6:2001:db8::9]) " BY
	" with ESMTPS id C951EA72936" DATE,
	"C951EA72936", "", "2001:db8::9", .plain = true},
    {"unknown client", "from c (unknown [unknown]) " BY " with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "", "", .plain = false},
    {"HELO as Postfix writes it",
	"from weird?\?x?\?[1.2.3.4]?by?mx.rig.test?\?Postfix?\?with?ESMTP " CLIENT " " BY
	" with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"other mail_name",
	"from c " CLIENT " by mx.rig.test (Example Mail (x)) with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"case of the host",
	"from c " CLIENT " by MX.Rig.Test (Postfix) with ESMTPA id C951EA72936" DATE, "C951EA72936",
	"", "203.0.113.7", .plain = false},
    {"in front of a proxy",
	"from c " CLIENT "\n\t(Authenticated sender: joe)\n\t" BY
	" with ESMTPA\n\tfor <u@d.test>" DATE,
	"", "joe", "203.0.113.7", .plain = false},
    {"QMQP", "from qmail (qmail [192.0.2.9])\n\t" BY " with QMQP id C951EA72936" DATE,
	"C951EA72936", "", "192.0.2.9", .plain = false},
    {"sendmail(1)", "by mx.rig.test (Postfix, from userid 1000)\n\tid D9B21A72942" DATE,
	"D9B21A72942", "", "", .uid = 1000},
    {"sendmail(1) by root", "by mx.rig.test (Postfix, from userid 0)\n\tid D9B21A72942" DATE,
	"D9B21A72942", "", "", .uid = -2},
    {"Postfix itself", "by mx.rig.test (Postfix)\n\tid D9B21A72942" DATE, "D9B21A72942", "", "",
	.plain = false},
    {"smtpd_hide_client_session", "by mx.rig.test (Postfix) with ESMTP id D9B21A72942" DATE,
	"D9B21A72942", "", "", .plain = false},
    {"login that Postfix changed",
	"from c " CLIENT " (Authenticated sender: j?\?) " BY " with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"login with a parenthesis",
	"from c " CLIENT " (Authenticated sender: joe(x)) " BY " with ESMTPA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"login and a protocol without",
	"from c " CLIENT " (Authenticated sender: joe) " BY " with ESMTP id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = true},
    {"login inside a certificate's name",
	"from c " CLIENT
	" (Client CN \"(Authenticated sender: joe)\", Issuer \"z\" (verified OK)) " BY
	" with ESMTPSA id C951EA72936" DATE,
	"C951EA72936", "", "203.0.113.7", .plain = false},
    {"userid that is none", "by mx.rig.test (Postfix, from userid x)\n\tid D9B21A72942" DATE,
	"D9B21A72942", "", "", .plain = false},
    {"userid past 32 bits",
	"by mx.rig.test (Postfix, from userid 4294967296)\n\tid D9B21A72942" DATE, "D9B21A72942",
	"", "", .plain = false},
};

static void test_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		const char *name = ours[i].name;
		struct received_pass pass;
		char text[NET_TEXT_SIZE];

		case_assert(name, received_read(ours[i].value, HOST, &pass));
		case_assert_text(name, pass.queue_id.text, ours[i].id);
		case_assert_text(name, pass.login, ours[i].login);
		case_assert_text(name, net_text(&pass.client, text), ours[i].client);
		case_assert(name, pass.uid == (ours[i].uid == 0       ? -1
						  : ours[i].uid == -2 ? 0
								      : ours[i].uid));
		case_assert(name, pass.plain == ours[i].plain);
		case_assert(name, pass.by_smtp == (strncmp(ours[i].value, "from", 4) == 0));
	}
}

static const struct {
	const char *name, *value;
} others[] = {
    {"other host", "from c " CLIENT " by other.test (Postfix) with ESMTP id C951EA72936" DATE},
    {"host that begins alike",
	"from c " CLIENT " by mx.rig.test.evil (Postfix) with ESMTP id C951EA72936" DATE},
    {"host in HELO, other host",
	"from by mx.rig.test (Postfix) with ESMTP id C951EA72936 (x [192.0.2.1]) by other.test "
	"(Postfix) with ESMTP id D9B21A72942" DATE},
    {"host in a comment",
	"from c " CLIENT " (" BY " with ESMTP id C951EA72936) by other.test (Postfix)"
	" with ESMTP id D9B21A72942" DATE},
    {"host in the part for",
	"from c " CLIENT " by other.test (Postfix) with ESMTP id D9B21A72942 for <x>;"
	" " BY " with ESMTP id C951EA72936"},
    {"amavis",
	"from mx.rig.test ([127.0.0.1])\n by localhost (mx.rig.test [127.0.0.1]) (amavisd-new, "
	"port 10024)\n with ESMTP id kQzX3yGd1x for <u@d.test>" DATE},
    {"amavis by this name",
	"from mx.rig.test ([127.0.0.1]) by mx.rig.test (amavisd-new) with ESMTP id "
	"C951EA72936" DATE},
    {"no client", "from c by mx.rig.test (Postfix) with ESMTP id C951EA72936" DATE},
    {"client without a name", "from c ([192.0.2.1]) " BY " with ESMTP id C951EA72936" DATE},
    {"no address", "from c (x [none]) " BY " with ESMTP id C951EA72936" DATE},
    {"no mail_name", "from c " CLIENT " by mx.rig.test with ESMTP id C951EA72936" DATE},
    {"no protocol", "from c " CLIENT " " BY " id C951EA72936" DATE},
    {"no ID and no client", "by mx.rig.test (Postfix) with ESMTP" DATE},
    {"bad ID", "from c " CLIENT " " BY " with ESMTP id not-an-id" DATE},
    {"comment that does not end", "from c " CLIENT " (x " BY " with ESMTP id C951EA72936" DATE},
    {"words between", "from c " CLIENT " x " BY " with ESMTP id C951EA72936" DATE},
    {"HTTP", "from [192.0.2.1] by mx.rig.test with HTTP (HTTP/1.1 POST)" DATE},
    {"LMTP", "from mx.rig.test by mx.rig.test with LMTP id aBcD (envelope-from <a@b>)" DATE},
    {"empty", ""},
    {"from alone", "from"},
    {"from and a blank", "from "},
    {"by alone", "by "},
    {"open", "from c ("},
};

static void test_others(void **state)
{
	struct received_pass pass;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++)
		case_assert(others[i].name, !received_read(others[i].value, HOST, &pass));
}

/* Reading stays within the bounds of a line, wherever it is cut. */
static void test_cut(void **state)
{
	struct received_pass pass;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		for (size_t len = 0; len < strlen(ours[i].value); len++) {
			char *copy = strndup(ours[i].value, len);

			assert_non_null(copy);
			(void)!received_read(copy, HOST, &pass);
			free(copy);
		}
	}
}

UNIT_MAIN(cmocka_unit_test(test_ours), cmocka_unit_test(test_others), cmocka_unit_test(test_cut))
