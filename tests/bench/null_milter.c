/* SPDX-License-Identifier: ISC */
/*
 * A milter that does nothing: it asks for the events and macros of pqpurge-milter (milter/glue.c)
 * and lets everything pass. Its cost is the least for any such milter.
 *
 *   null_milter SOCKET      libmilter notation
 */
#include <err.h>
#include <libmilter/mfapi.h>
#include <stdlib.h>
#include <string.h>

#define STEPS                                                                                      \
	(SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NOEOH | SMFIP_NOBODY |              \
	    SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC)

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused2, unsigned long unused3, unsigned long *ret_actions,
    unsigned long *ret_steps, unsigned long *ret2, unsigned long *ret3)
{
	(void)unused2, (void)unused3;
	*ret_actions = actions & SMFIF_QUARANTINE;
	*ret_steps = steps & STEPS;
	*ret2 = *ret3 = 0;
	if (actions & SMFIF_SETSYMLIST) {
		smfi_setsymlist(ctx, SMFIM_CONNECT, (char[]){"i"});
		smfi_setsymlist(ctx, SMFIM_ENVFROM, (char[]){"{auth_authen} {client_addr}"});
		smfi_setsymlist(ctx, SMFIM_ENVRCPT, (char[]){"i"});
		smfi_setsymlist(ctx, SMFIM_DATA, (char[]){"{client_addr}"});
		smfi_setsymlist(ctx, SMFIM_EOM, (char[]){"i {auth_authen} {client_addr}"});
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *from)
{
	(void)ctx, (void)name, (void)from;
	return SMFIS_NOREPLY;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	(void)ctx, (void)argv;
	return SMFIS_CONTINUE;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	(void)ctx, (void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return SMFIS_NOREPLY;
}

static sfsistat on_other(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc description = {
	    .xxfi_name = (char[]){"null"},
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = SMFIF_QUARANTINE,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_eom = on_other,
	    .xxfi_abort = on_other,
	    .xxfi_close = on_other,
	    .xxfi_negotiate = on_negotiate,
	};

	if (argc != 2)
		errx(1, "usage: null_milter SOCKET");
	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS)
		errx(1, "failed to open socket '%s'", argv[1]);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
