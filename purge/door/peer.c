/* SPDX-License-Identifier: ISC */
#include "purge/door/peer.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/str.h"

#define GROUPS_MAX 65536u /* the kernel's own bound */

/* Root needs no door, but tests and root's own programs may use it. */
static const struct {
	const char *word;
	unsigned kinds; /* bits of enum door_kind */
} rows[PEER_KINDS] = {
    [PEER_STRANGER] = {"stranger", 0},
    [PEER_OPERATOR] = {"operator", 1u << DOOR_VERB},
    [PEER_FLEET] = {"fleet", 1u << DOOR_FLEET | 1u << DOOR_RULES},
    [PEER_DAEMON] = {"daemon", 1u << DOOR_HOLD | 1u << DOOR_HOOK},
    [PEER_ROOT] = {"root", 1u << DOOR_VERB | 1u << DOOR_HOLD | 1u << DOOR_HOOK},
};

bool peer_may(const struct peer *peer, enum door_kind kind)
{
	return (rows[peer->kind].kinds & 1u << kind) != 0;
}

const char *peer_word(enum peer_kind kind)
{
	return rows[kind].word;
}

/* Whether the peer had this group, primary or supplementary, when it connected. 1, 0, or -errno. */
static int has_group(int fd, gid_t own, gid_t wanted)
{
	socklen_t len = GROUPS_MAX * sizeof(gid_t);
	int found = own == wanted;

	if (found)
		return 1;
	gid_t *groups = malloc(len);
	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		found = -errno;
	for (size_t n = 0; found == 0 && n < len / sizeof(*groups); n++)
		found = groups[n] == wanted;
	free(groups);
	return found;
}

static int is_operator(int fd, const struct ucred *cred, const struct settings *s)
{
	const struct group *group = s->operator_group[0] ? getgrnam(s->operator_group) : NULL;

	return group ? has_group(fd, cred->gid, group->gr_gid) : 0;
}

static bool is_user(uid_t uid, const char *name)
{
	const struct passwd *pw = getpwnam(name);

	return pw && pw->pw_uid == uid;
}

static void name_peer(struct peer *peer)
{
	const struct passwd *pw = getpwuid(peer->uid);

	if (pw)
		str_scrub(peer->user, sizeof(peer->user), pw->pw_name);
	else
		snprintf(peer->user, sizeof(peer->user), "uid %u", (unsigned)peer->uid);
}

int peer_of(int fd, const struct settings *settings, struct peer *ret, struct err *err)
{
	struct peer peer = {.kind = PEER_STRANGER};
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return err_sys(err, errno, "failed to see who sends the order");
	int member = is_operator(fd, &cred, settings);
	if (member < 0)
		return err_sys(err, -member, "failed to see the sender's groups");
	peer.uid = cred.uid;
	if (member)
		peer.kind = PEER_OPERATOR;
	if (is_user(cred.uid, settings->fleet_user))
		peer.kind = PEER_FLEET;
	if (is_user(cred.uid, settings->user))
		peer.kind = PEER_DAEMON;
	if (cred.uid == 0)
		peer.kind = PEER_ROOT;
	name_peer(&peer);
	*ret = peer;
	return 0;
}
