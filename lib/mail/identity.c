/* SPDX-License-Identifier: ISC */
/*
 * Proof of identity, see identity.h. Everything here errs towards "not proven": an unknown time,
 * port or client on either side proves nothing, so 0 and -1 never equal each other.
 */
#include "mail/identity.h"

#include "base/clock.h"

static bool same_inode(const struct message *recorded, const struct identity *found)
{
	struct queue_id_parts parts;

	queue_id_split(&recorded->queue_id, &parts);
	return parts.inode == found->inode;
}

static bool same_sender(const struct message *recorded, const struct identity *found)
{
	struct address a, b;

	if (!found->has_sender)
		return false;
	if (strcmp(recorded->sender, found->sender) == 0)
		return true;
	address_split(recorded->sender, &a);
	address_split(found->sender, &b);
	return address_equal(&a, &b);
}

static bool same_client(const struct message *recorded, const struct identity *found)
{
	return recorded->client.family != 0 && found->client.family != 0 &&
	       net_equal(&recorded->client, &found->client) && recorded->client_port != 0 &&
	       recorded->client_port == found->client_port;
}

/*
 * The window alone would pass mail of another connection that began in it, was written when the
 * recorded one had left, and by chance got its inode and microsecond. smtpd(8) writes the address
 * and port that it tells the milter, so a port that was recorded must be in the file; what came
 * without a client (sendmail(1), forwards, bounces) has none.
 */
static bool other_client(const struct message *recorded, const struct identity *found)
{
	if (recorded->client_port != 0 && recorded->client_port != found->client_port)
		return true;
	return recorded->client.family != 0 && found->client.family != 0 &&
	       !net_equal(&recorded->client, &found->client);
}

/* A window that the wall clock was set in says nothing; then who sent it from where must do. */
static bool proven_smtpd(const struct message *recorded, const struct identity *found)
{
	if (recorded->flags & MESSAGE_CLOCK_STEPPED)
		return same_client(recorded, found) && same_sender(recorded, found);
	return recorded->mail_time > 0 && found->arrival_time >= recorded->mail_time &&
	       found->arrival_time <= recorded->rcpt_time && !other_client(recorded, found);
}

/*
 * cleanup creates the file some milliseconds before it calls the filter and rounds create_time
 * down, hence one second more at the start. Submission may be long ago: maildrop waits. Where the
 * clock was set in between there is nothing left to go by, since local mail has no client.
 */
static bool proven_sendmail(const struct message *recorded, const struct identity *found)
{
	int64_t connect = recorded->connect_time;
	int64_t earliest = connect - connect % USEC_PER_SEC - USEC_PER_SEC;

	if (connect <= 0 || recorded->flags & MESSAGE_CLOCK_STEPPED)
		return false;
	return found->create_time >= earliest && found->create_time <= recorded->end_time &&
	       found->arrival_time >= 0 && found->arrival_time <= recorded->end_time &&
	       same_sender(recorded, found);
}

static bool proven(const struct message *recorded, const struct identity *found)
{
	if (!same_inode(recorded, found))
		return false;
	switch (recorded->origin) {
	case ORIGIN_SMTPD:
		return proven_smtpd(recorded, found);
	case ORIGIN_SENDMAIL:
		return proven_sendmail(recorded, found);
	case ORIGIN_SCAN:
		return recorded->mail_time > 0 && found->arrival_time == recorded->mail_time &&
		       !other_client(recorded, found);
	}
	return false;
}

enum judgement identity_judge(const struct message *recorded, const struct identity *found)
{
	if (proven(recorded, found))
		return JUDGED_SAME;
	return same_sender(recorded, found) ? JUDGED_UNPROVEN : JUDGED_CHANGED;
}
