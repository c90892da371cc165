-- SPDX-License-Identifier: ISC
-- A session by miltertest's own MTA, a client that shares nothing with ours. The caller sets SOCKET.
local function check(answer, what)
	if answer ~= nil then
		error(what .. ": " .. tostring(answer))
	end
end

local function message(conn, id, sender, want)
	check(mt.mailfrom(conn, sender), "mailfrom")
	if mt.getreply(conn) ~= want then
		error("MAIL " .. sender .. ": unexpected reply " .. string.char(mt.getreply(conn)))
	end
	if want ~= SMFIR_CONTINUE then
		return
	end
	check(mt.rcptto(conn, "<b@example.net>"), "rcptto")
	check(mt.header(conn, "From", "Ann <ann@header.example>"), "header")
	check(mt.header(conn, "Message-ID", "<" .. id .. "@lua>"), "header")
	check(mt.macro(conn, 69, "i", id), "macro") -- 69 is 'E', for which Lua has no name
	check(mt.eom(conn), "eom")
	if mt.getreply(conn) ~= SMFIR_CONTINUE then
		error("end of message " .. id .. ": unexpected reply " .. string.char(mt.getreply(conn)))
	end
end

local conn = mt.connect(SOCKET, 40, 0.05)
if conn == nil then
	error("no connection to " .. SOCKET)
end
-- No mt.helo: the filter asked not to be sent any, and miltertest then refuses.
check(mt.conninfo(conn, "client.example", "192.0.2.9"), "conninfo")
message(conn, "AAAAA1001", "<one@lua.example>", SMFIR_CONTINUE)
message(conn, "AAAAA1002", "<two@lua.example>", SMFIR_CONTINUE)
message(conn, "AAAAA1003", "<no@refused.example>", SMFIR_REPLYCODE)
message(conn, "AAAAA1004", "<three@lua.example>", SMFIR_CONTINUE)
check(mt.mailfrom(conn, "<dropped@lua.example>"), "mailfrom")
check(mt.rcptto(conn, "<b@example.net>"), "rcptto")
check(mt.disconnect(conn, false), "disconnect")
