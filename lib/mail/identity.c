/* SPDX-License-Identifier: ISC */
#include "mail/identity.h"

#include "base/clock.h"

static bool is_sender(const char *recorded, const struct identity *found)
{
	return found->has_sender && address_same(recorded, found->sender);
}

/* Without this check another connection's mail would pass if it has the ID by chance (or by a
 * forged row) and began in the window. smtpd(8) tells the milter the same address and port that it
 * writes to the file. Mail of sendmail(1), forwards and bounces have neither on both sides. */
static bool same_client(const struct message *recorded, const struct identity *found)
{
	return net_equal(&recorded->client, &found->client) &&
	       recorded->client_port == found->client_port;
}

/* A long window proves little, and none counts if the wall clock was set in it. */
static bool proven_smtpd(const struct message *recorded, const struct identity *found)
{
	bool stepped = recorded->flags & MESSAGE_CLOCK_STEPPED;
	bool within = recorded->mail_time > 0 && found->arrival_time >= recorded->mail_time &&
		      found->arrival_time <= recorded->rcpt_time;

	if (!same_client(recorded, found) || (!within && !stepped))
		return false;
	if (!stepped && recorded->rcpt_time - recorded->mail_time <= IDENTITY_WINDOW_MAX)
		return true;
	return recorded->client.family != 0 && recorded->client_port != 0 &&
	       is_sender(recorded->sender, found);
}

/* cleanup creates the file some milliseconds before it calls the filter, and rounds create_time
 * down, so one second more. Mail may wait in maildrop, so T may be long ago. Local mail has no
 * client, so no evidence is left if the clock was set. */
static bool proven_sendmail(const struct message *recorded, const struct identity *found)
{
	int64_t connect = recorded->connect_time;
	int64_t earliest = connect - connect % USEC_PER_SEC - USEC_PER_SEC;

	if (connect <= 0 || recorded->flags & MESSAGE_CLOCK_STEPPED ||
	    !same_client(recorded, found))
		return false;
	return found->create_time >= earliest && found->create_time <= recorded->end_time &&
	       found->arrival_time >= 0 && found->arrival_time <= recorded->end_time &&
	       is_sender(recorded->sender, found);
}

static bool proven(const struct message *recorded, const struct identity *found)
{
	struct queue_id_parts parts;

	if (recorded->queued.known)
		return recorded->queued.inode == found->inode && found->arrival_time > 0 &&
		       recorded->queued.arrival_time == found->arrival_time;
	queue_id_split(&recorded->queue_id, &parts);
	if (parts.inode != found->inode)
		return false;
	if (recorded->origin == ORIGIN_SMTPD)
		return proven_smtpd(recorded, found);
	return recorded->origin == ORIGIN_SENDMAIL && proven_sendmail(recorded, found);
}

enum judgement identity_judge(const struct message *recorded, const struct identity *found)
{
	if (proven(recorded, found))
		return JUDGED_SAME;
	if ((message_is_given(recorded) && is_sender(recorded->sender, found)) ||
	    (recorded->queued.known && is_sender(recorded->queued.sender, found)))
		return JUDGED_UNPROVEN;
	return JUDGED_CHANGED;
}
