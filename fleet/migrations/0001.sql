-- SPDX-License-Identifier: ISC
-- Migration 1 of the fleet's schema (PostgreSQL 14 and later). `fleet init` runs it in its own transaction, under an advisory lock,
-- as a role that may create roles (never as an operator), and then records the version.
--
-- Rights: a login role has the name of its certificate's CN and is a member of ONE of these groups:
--   pqpurge_host      reads its own orders and all rules; writes its own rows, by functions only
--   pqpurge_operator  places and cancels orders and rules, reads everything
--   pqpurge_reader    reads the account, but not the addresses in fleet_part
-- None of them can write a table. Functions are SECURITY DEFINER of pqpurge_owner (NOLOGIN) and check session_user, which SET ROLE
-- cannot change. Row level security guards the reading. All times are the server's. Hosts get only spans (microseconds), so nobody
-- compares clocks. No function waits for a row that a host can lock: a stolen host could keep its transaction open and so stop
-- every operator.
DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['pqpurge_owner','pqpurge_host','pqpurge_operator','pqpurge_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', r); END IF;
  END LOOP;
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());  -- CONNECT and TEMP
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO pqpurge_host, pqpurge_operator, pqpurge_reader', current_database());
  -- Otherwise any login could fill the disk with large objects. Needs a superuser; without one it warns.
  FOREACH r IN ARRAY ARRAY['lo_creat(integer)','lo_create(oid)','lo_from_bytea(oid,bytea)'] LOOP
    BEGIN EXECUTE format('REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC', r);
    EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING 'hosts may make large objects: %', SQLERRM; END;
  END LOOP;
  -- A login could also fill the server's lock table, which stops all statements. `fleet init` keeps the one function that it uses.
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    FOR r IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_(xact_)?lock' LOOP
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', r);
    END LOOP;
    GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(int, int) TO pqpurge_owner;
  ELSE RAISE WARNING 'hosts may fill the table of locks: only a superuser takes advisory locks away from them'; END IF;
  BEGIN REVOKE ALL ON SCHEMA public FROM PUBLIC;
  EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING 'schema public: %', SQLERRM; END;
  -- From PostgreSQL 16 on who made a role is its member, yet may not become it before granting that to itself.
  IF NOT pg_has_role(current_user, 'pqpurge_owner', CASE WHEN current_setting('server_version_num')::int < 160000
      THEN 'MEMBER' ELSE 'SET' END) THEN EXECUTE format('GRANT pqpurge_owner TO %I', current_user); END IF;
END $$;
CREATE SCHEMA pqpurge AUTHORIZATION pqpurge_owner;
GRANT USAGE ON SCHEMA pqpurge TO pqpurge_host, pqpurge_operator, pqpurge_reader;
SET LOCAL ROLE pqpurge_owner;
SET LOCAL search_path = pqpurge;

CREATE TABLE fleet_version (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_by name NOT NULL DEFAULT session_user);

-- One row. rule_version is a counter, not a sequence: the row lock makes commit order = version order, so a host that has seen
-- version n has seen all earlier ones. With a sequence it could miss rules whose transaction commits late.
CREATE TABLE fleet (one bool PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL DEFAULT gen_random_uuid(),
  rule_version bigint NOT NULL DEFAULT 0);
INSERT INTO fleet DEFAULT VALUES;

-- Collation "C" is that of session_user. With another one, comparing names with it could not use an index.
CREATE TABLE fleet_host (
  name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$'), -- = role = certificate CN; 63 bytes, PostgreSQL's limit
  tags text[] NOT NULL DEFAULT '{}',
  joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz,                     -- kept for the account; gets no orders
  epoch bigint NOT NULL DEFAULT 0,            -- fencing token: the last hello owns the name
  seen_at timestamptz, address inet, agent text,
  rule_version bigint NOT NULL DEFAULT 0,     -- in force there
  health json CHECK (octet_length(health::text) <= 4096));

CREATE TABLE fleet_order (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  placed_by name NOT NULL DEFAULT session_user,
  expires_at timestamptz NOT NULL,
  verb text NOT NULL CHECK (verb IN ('purge','hold','release','undo','list','top','why','status','block','unblock')),
  dry_run bool NOT NULL DEFAULT false,
  -- json, not jsonb: the bytes stay as the operator's command wrote them (a signature may cover them later)
  spec json NOT NULL CHECK (octet_length(spec::text) <= 65536 AND json_typeof(spec) = 'object' AND spec->>'v' IS NOT NULL),
  reason text NOT NULL DEFAULT '' CHECK (octet_length(reason) <= 400 AND reason !~ '[[:cntrl:]]'),
  rule_version bigint NOT NULL DEFAULT 0,     -- rules that must be in force before this runs (purge --block)
  -- One for each run of the command: placing again after a lost answer gives the same order. It also names the order in a host's
  -- account, since a number may come again if a standby took over without the last transactions.
  token uuid NOT NULL UNIQUE,
  cancelled_at timestamptz, cancelled_by name);

CREATE TABLE fleet_result (
  order_id bigint REFERENCES fleet_order ON DELETE CASCADE,
  host text COLLATE "C" REFERENCES fleet_host,
  state text NOT NULL DEFAULT 'pending'
    CHECK (state IN ('pending','running','done','partly','failed','refused','interrupted','cancelled','expired')),
  epoch bigint NOT NULL DEFAULT 0,            -- of the agent that claimed it
  attempt int NOT NULL DEFAULT 0,
  claimed_at timestamptz, touched_at timestamptz, finished_at timestamptz,
  progress bigint NOT NULL DEFAULT 0, total bigint NOT NULL DEFAULT 0,
  exit_status int, batch bigint,
  summary json CHECK (octet_length(summary::text) <= 65536),
  words text CHECK (octet_length(words) <= 2000),
  PRIMARY KEY (order_id, host));
CREATE INDEX fleet_result_open ON fleet_result (host, order_id) WHERE state IN ('pending','running');

-- Lines of list, top, why: addresses. Short-lived (fleet_trim).
CREATE TABLE fleet_part (
  order_id bigint, host text COLLATE "C", part int CHECK (part BETWEEN 0 AND 63),
  body json NOT NULL CHECK (octet_length(body::text) <= 262144),
  PRIMARY KEY (order_id, host, part),
  FOREIGN KEY (order_id, host) REFERENCES fleet_result ON DELETE CASCADE);

CREATE TABLE fleet_rule (
  subject text PRIMARY KEY CHECK (octet_length(subject) BETWEEN 1 AND 2048 AND subject !~ '[[:cntrl:]]'),
  version bigint NOT NULL UNIQUE,
  action text CHECK (action IN ('REJECT','DEFER','HOLD','DISCARD','OK','WARN')),  -- NULL: taken back; the row stays so that hosts learn it
  text text CHECK (octet_length(text) <= 400 AND text !~ '[[:cntrl:]]'),
  reason text CHECK (octet_length(reason) <= 400 AND reason !~ '[[:cntrl:]]'),
  set_by name NOT NULL DEFAULT session_user, set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz);

CREATE TABLE fleet_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor name NOT NULL DEFAULT session_user, address inet DEFAULT inet_client_addr(),
  kind text NOT NULL, order_id bigint, host text, detail text);
CREATE INDEX ON fleet_event (order_id);
CREATE FUNCTION event_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'the account is not changed' USING ERRCODE = 'FL009'; END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON fleet_event FOR EACH STATEMENT EXECUTE FUNCTION event_stays();

-- ---- reading -------------------------------------------------------------------------------------------------------------
ALTER TABLE fleet_host ENABLE ROW LEVEL SECURITY;   ALTER TABLE fleet_order ENABLE ROW LEVEL SECURITY;
ALTER TABLE fleet_result ENABLE ROW LEVEL SECURITY; ALTER TABLE fleet_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY host ON fleet_host FOR SELECT TO pqpurge_host USING (name = session_user);
CREATE POLICY host ON fleet_result FOR SELECT TO pqpurge_host USING (host = session_user);
CREATE POLICY host ON fleet_order FOR SELECT TO pqpurge_host
  USING (EXISTS (SELECT FROM fleet_result r WHERE r.order_id = id AND r.host = session_user));
CREATE POLICY people ON fleet_host FOR SELECT TO pqpurge_operator, pqpurge_reader USING (true);
CREATE POLICY people ON fleet_result FOR SELECT TO pqpurge_operator, pqpurge_reader USING (true);
CREATE POLICY people ON fleet_order FOR SELECT TO pqpurge_operator, pqpurge_reader USING (true);
CREATE POLICY people ON fleet_part FOR SELECT TO pqpurge_operator USING (true);
GRANT SELECT ON fleet_version, fleet, fleet_rule TO pqpurge_host, pqpurge_operator, pqpurge_reader;
GRANT SELECT ON fleet_host, fleet_result, fleet_order TO pqpurge_host, pqpurge_operator, pqpurge_reader;
GRANT SELECT ON fleet_part TO pqpurge_operator;
GRANT SELECT ON fleet_event TO pqpurge_operator, pqpurge_reader;

-- ---- hosts ---------------------------------------------------------------------------------------------------------------
-- Errors: FL001 not a host of this fleet; FL002 another agent has this name now; FL003 not this attempt; FL004 no such order.
CREATE FUNCTION own_host(p_epoch bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$ DECLARE e bigint; BEGIN
  SELECT epoch INTO e FROM pqpurge.fleet_host WHERE name = session_user AND retired_at IS NULL;
  IF e IS NULL THEN RAISE EXCEPTION '% is not a host of this fleet', session_user USING ERRCODE = 'FL001'; END IF;
  IF e IS DISTINCT FROM p_epoch THEN RAISE EXCEPTION 'another agent has taken the name %', session_user USING ERRCODE = 'FL002'; END IF;
END $$;

CREATE FUNCTION fleet_hello(p_agent text) RETURNS TABLE (fleet uuid, version int, epoch bigint, rule_version bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
#variable_conflict use_column
DECLARE h fleet_host; BEGIN
  UPDATE fleet_host SET epoch = epoch + 1, seen_at = clock_timestamp(), address = inet_client_addr(), agent = left(p_agent, 100)
    WHERE name = session_user AND retired_at IS NULL RETURNING * INTO h;
  IF h.name IS NULL THEN RAISE EXCEPTION '% is not a host of this fleet', session_user USING ERRCODE = 'FL001'; END IF;
  RETURN QUERY SELECT f.id, (SELECT max(v.version) FROM fleet_version v), h.epoch, f.rule_version FROM fleet f;
END $$;

-- Heartbeat; it also tests the connection. The answer reports everything new, so a lost NOTIFY does no harm.
CREATE FUNCTION fleet_beat(p_epoch bigint, p_rules bigint, p_health json) RETURNS TABLE (rule_version bigint, open_orders bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
#variable_conflict use_column
BEGIN
  PERFORM own_host(p_epoch);
  PERFORM set_config('synchronous_commit', 'off', true);  -- losing a beat, claim or progress does no harm; results are synchronous
  UPDATE fleet_host SET seen_at = clock_timestamp(), rule_version = p_rules, health = coalesce(p_health, health)
    WHERE name = session_user;
  RETURN QUERY SELECT f.rule_version, (SELECT count(*) FROM fleet_result r JOIN fleet_order o ON o.id = r.order_id
    WHERE r.host = session_user AND ((r.state = 'running' AND r.epoch < p_epoch)
      OR (r.state = 'pending' AND o.cancelled_at IS NULL AND o.expires_at > clock_timestamp()))) FROM fleet f;
END $$;

-- Claims this host's oldest open order: pending, or left running by an earlier epoch of this host (crash, restart). One that was left
-- running and is cancelled or expired comes with left_us 0: the host then only reports what it did.
CREATE FUNCTION fleet_claim(p_epoch bigint) RETURNS TABLE (order_id bigint, attempt int, verb text, dry_run bool, spec json,
  reason text, placed_by name, rule_version bigint, age_us bigint, left_us bigint, token uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
#variable_conflict use_column
DECLARE t timestamptz := clock_timestamp(); BEGIN
  PERFORM own_host(p_epoch);
  PERFORM set_config('synchronous_commit', 'off', true);
  -- One statement, so that the claim after a hello plans all of it for the session even if it finds nothing.
  RETURN QUERY WITH claimed AS (
    UPDATE fleet_result SET state = 'running', epoch = p_epoch, attempt = attempt + 1, claimed_at = t, touched_at = t
      WHERE (order_id, host) = (SELECT x.order_id, x.host FROM fleet_result x JOIN fleet_order o ON o.id = x.order_id
        WHERE x.host = session_user AND ((x.state = 'running' AND x.epoch < p_epoch)
            OR (x.state = 'pending' AND o.cancelled_at IS NULL AND o.expires_at > t))
        ORDER BY x.order_id LIMIT 1 FOR UPDATE OF x) RETURNING order_id, attempt)
    SELECT o.id, c.attempt, o.verb, o.dry_run, o.spec, o.reason, o.placed_by, o.rule_version,
      (extract(epoch FROM t - o.placed_at) * 1000000)::bigint, CASE WHEN o.cancelled_at IS NULL
        THEN greatest((extract(epoch FROM o.expires_at - t) * 1000000)::bigint, 0) ELSE 0 END, o.token
    FROM claimed c JOIN fleet_order o ON o.id = c.order_id;
END $$;

-- Returns true if the order was cancelled: the host stops between chunks.
CREATE FUNCTION fleet_progress(p_epoch bigint, p_order bigint, p_attempt int, p_done bigint, p_total bigint) RETURNS bool
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$ DECLARE c bool; BEGIN
  PERFORM own_host(p_epoch);
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE fleet_result r SET progress = p_done, total = p_total, touched_at = clock_timestamp() FROM fleet_order o
    WHERE o.id = p_order AND r.order_id = p_order AND r.host = session_user AND r.state = 'running' AND r.attempt = p_attempt
    RETURNING o.cancelled_at IS NOT NULL INTO c;
  IF c IS NULL THEN RAISE EXCEPTION 'order % attempt % is not running here', p_order, p_attempt USING ERRCODE = 'FL003'; END IF;
  RETURN c;
END $$;

CREATE FUNCTION fleet_add_part(p_epoch bigint, p_order bigint, p_attempt int, p_part int, p_body json) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$ BEGIN
  PERFORM own_host(p_epoch);
  PERFORM FROM fleet_result r WHERE r.order_id = p_order AND r.host = session_user AND r.state = 'running' AND r.attempt = p_attempt;
  IF NOT FOUND THEN RAISE EXCEPTION 'order % attempt % is not running here', p_order, p_attempt USING ERRCODE = 'FL003'; END IF;
  INSERT INTO fleet_part VALUES (p_order, session_user, p_part, p_body)
    ON CONFLICT (order_id, host, part) DO UPDATE SET body = excluded.body;
END $$;

-- Reporting the same result again is no error: the first answer may have been lost. A report of order 0, which does not exist, does
-- nothing; hosts send one after the hello to plan this statement before the first order.
CREATE FUNCTION fleet_report(p_epoch bigint, p_order bigint, p_attempt int, p_state text, p_exit int, p_batch bigint,
  p_summary json, p_words text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$ DECLARE r fleet_result; BEGIN
  PERFORM own_host(p_epoch);
  IF p_state IS NULL OR p_state NOT IN ('done','partly','failed','refused','interrupted') THEN
    RAISE EXCEPTION 'no such end: %', p_state USING ERRCODE = 'FL003'; END IF;
  WITH told AS (
    UPDATE fleet_result SET state = p_state, exit_status = p_exit, batch = p_batch, summary = p_summary, words = left(p_words, 2000),
      finished_at = clock_timestamp(), touched_at = clock_timestamp()
      WHERE order_id = p_order AND host = session_user AND state = 'running' AND attempt = p_attempt RETURNING order_id)
  INSERT INTO fleet_event (kind, order_id, host, detail)
    SELECT p_state, t.order_id, session_user, left(p_summary::text, 1000) FROM told t;
  IF FOUND OR p_order = 0 THEN RETURN; END IF;
  SELECT * INTO r FROM fleet_result WHERE order_id = p_order AND host = session_user;
  IF r.order_id IS NULL THEN RAISE EXCEPTION 'no order % for %', p_order, session_user USING ERRCODE = 'FL004'; END IF;
  IF r.attempt = p_attempt AND r.state = p_state THEN RETURN; END IF;
  RAISE EXCEPTION 'order % is % (attempt %)', p_order, r.state, r.attempt USING ERRCODE = 'FL003';
END $$;

-- The rules that changed since version p_since, with expired ones as taken back. For p_since 0, all rules in force: a host asks for
-- these after every connect and replaces its own, since after a failover a version may stand for other rules.
CREATE FUNCTION fleet_rules(p_since bigint) RETURNS TABLE (version bigint, subject text, action text, text text, reason text,
  set_by name, left_us bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
#variable_conflict use_column
BEGIN  -- plpgsql, since LANGUAGE sql would plan it on each call
  RETURN QUERY SELECT r.version, r.subject, CASE WHEN r.expires_at <= clock_timestamp() THEN NULL ELSE r.action END, r.text, r.reason,
    r.set_by, (extract(epoch FROM r.expires_at - clock_timestamp()) * 1000000)::bigint
  FROM fleet_rule r WHERE r.version > p_since
    AND (p_since > 0 OR (r.action IS NOT NULL AND (r.expires_at IS NULL OR r.expires_at > clock_timestamp()))) ORDER BY r.version;
END $$;

-- ---- operators -----------------------------------------------------------------------------------------------------------
-- One spelling for each rule. Hosts compare normal forms, so each row must be one rule there. The command sends normal forms; other
-- clients may not. Expressions and login names stay as they are: logins may differ in case.
CREATE FUNCTION normal_subject(p text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE net inet; BEGIN
  IF p ~ '^(login:)?/' OR p ~ '^login:[^@]' THEN RETURN p; END IF;
  IF p ~ '^client:' THEN
    net := substr(p, 8)::inet;
    RETURN 'client:' || CASE WHEN masklen(net) = CASE family(net) WHEN 4 THEN 32 ELSE 128 END THEN host(net) ELSE text(net) END;
  END IF;
  IF octet_length(regexp_replace(p, '^.*@', '')) <> char_length(regexp_replace(p, '^.*@', '')) THEN
    RAISE EXCEPTION 'write the domain of "%" in ASCII (xn--)', p USING ERRCODE = 'FL006'; END IF;
  RETURN lower(p COLLATE "C");
END $$;

-- Sets one rule, or takes it back if p_action is NULL, and returns its version. Private to fleet_place and fleet_set_rule.
CREATE FUNCTION put_rule(p_subject text, p_action text, p_text text, p_reason text, p_for interval) RETURNS bigint
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ DECLARE v bigint; BEGIN
  p_subject := normal_subject(p_subject);
  UPDATE fleet SET rule_version = rule_version + 1 RETURNING rule_version INTO v;  -- waits for earlier callers
  INSERT INTO fleet_rule (subject, version, action, text, reason, expires_at)
    VALUES (p_subject, v, p_action, p_text, p_reason, clock_timestamp() + p_for)
    ON CONFLICT (subject) DO UPDATE SET version = v, action = excluded.action, text = excluded.text, reason = excluded.reason,
      set_by = session_user, set_at = clock_timestamp(), expires_at = excluded.expires_at;
  INSERT INTO fleet_event (kind, detail) VALUES (CASE WHEN p_action IS NULL THEN 'unblock' ELSE 'block' END,
    concat_ws(' ', p_subject, p_action, p_for::text, p_reason));
  RETURN v;
END $$;
CREATE FUNCTION fleet_set_rule(p_subject text, p_action text, p_text text, p_reason text, p_for interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$ DECLARE v bigint; BEGIN
  v := put_rule(p_subject, p_action, p_text, p_reason, p_for);
  PERFORM pg_notify('pqpurge', 'r' || v);
  RETURN v;
END $$;

-- Places one order for the named hosts (NULL: all that are not retired), with its rules ([{"subject","action","text"}]) in the same
-- transaction. FL005: a name is no host. The NOTIFY ("o17" or "o17 mx1 mx2") is only a hint, never the order.
CREATE FUNCTION fleet_place(p_token uuid, p_verb text, p_dry_run bool, p_spec json, p_reason text, p_expire interval,
  p_hosts text[], p_rules json, p_rules_for interval) RETURNS TABLE (order_id bigint, host text, seen_us bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
#variable_conflict use_column
DECLARE n bigint; v bigint := 0; j json; missing text; hint text; BEGIN
  SELECT id INTO n FROM fleet_order WHERE token = p_token AND placed_by = session_user;
  IF n IS NULL THEN
    IF p_expire IS NULL OR p_expire <= interval '0' OR p_expire > interval '30 days' THEN
      RAISE EXCEPTION 'an order is over after at most 30 days' USING ERRCODE = 'FL006'; END IF;
    IF octet_length(p_rules::text) > 1048576 THEN RAISE EXCEPTION 'too many rules in one order' USING ERRCODE = 'FL006'; END IF;
    SELECT string_agg(x, ', ') INTO missing FROM unnest(p_hosts) x
      WHERE NOT EXISTS (SELECT FROM fleet_host h WHERE h.name = x AND h.retired_at IS NULL);
    IF missing IS NOT NULL THEN RAISE EXCEPTION 'no such host: %', missing USING ERRCODE = 'FL005'; END IF;
    FOR j IN SELECT * FROM json_array_elements(coalesce(p_rules, '[]')) LOOP
      IF j->>'action' IS NULL THEN RAISE EXCEPTION 'a rule without action' USING ERRCODE = 'FL006'; END IF;
      v := put_rule(j->>'subject', j->>'action', j->>'text', p_reason, p_rules_for);
    END LOOP;
    INSERT INTO fleet_order (verb, dry_run, spec, reason, expires_at, rule_version, token)
      VALUES (p_verb, p_dry_run, p_spec, coalesce(p_reason, ''), clock_timestamp() + p_expire, v, p_token) RETURNING id INTO n;
    INSERT INTO fleet_result (order_id, host) SELECT n, h.name FROM fleet_host h
      WHERE h.retired_at IS NULL AND (p_hosts IS NULL OR h.name = ANY (p_hosts));
    INSERT INTO fleet_event (kind, order_id, detail) VALUES ('place', n, left(p_verb || ' ' || p_spec::text, 4000));
    hint := 'o' || n || coalesce(' ' || array_to_string(p_hosts, ' '), '');
    PERFORM pg_notify('pqpurge', CASE WHEN octet_length(hint) > 2000 THEN 'o' || n ELSE hint END);
  END IF;
  RETURN QUERY SELECT r.order_id, r.host, (extract(epoch FROM clock_timestamp() - h.seen_at) * 1000000)::bigint
    FROM fleet_result r JOIN fleet_host h ON h.name = r.host WHERE r.order_id = n ORDER BY r.host;
END $$;

-- Cancels the results that have not begun and asks the running ones to stop. Returns the number of each.
CREATE FUNCTION fleet_cancel(p_order bigint, p_reason text) RETURNS TABLE (cancelled bigint, running bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$ DECLARE c bigint; BEGIN
  UPDATE fleet_order SET cancelled_at = clock_timestamp(), cancelled_by = session_user WHERE id = p_order AND cancelled_at IS NULL;
  IF NOT FOUND THEN RAISE EXCEPTION 'no order % to cancel', p_order USING ERRCODE = 'FL004'; END IF;
  -- A row that its host has locked is about to run, and counts as running. If it does not run, fleet_trim cancels it.
  UPDATE fleet_result r SET state = 'cancelled', finished_at = clock_timestamp() FROM (SELECT host FROM fleet_result
    WHERE order_id = p_order AND state = 'pending' FOR UPDATE SKIP LOCKED) free WHERE r.order_id = p_order AND r.host = free.host;
  GET DIAGNOSTICS c = ROW_COUNT;
  INSERT INTO fleet_event (kind, order_id, detail) VALUES ('cancel', p_order, left(p_reason, 400));
  RETURN QUERY SELECT c, (SELECT count(*) FROM fleet_result WHERE order_id = p_order AND state IN ('pending','running'));
END $$;

-- Deletes addresses after a day and expired rules after 30 days; orders, results and events stay. Every operator's command calls it.
CREATE FUNCTION fleet_trim() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pqpurge, pg_temp AS $$
  UPDATE fleet_result r SET state = free.state, finished_at = clock_timestamp() FROM (SELECT x.order_id, x.host,
      CASE WHEN o.cancelled_at IS NULL THEN 'expired' ELSE 'cancelled' END AS state
    FROM fleet_result x JOIN fleet_order o ON o.id = x.order_id WHERE x.state = 'pending'
      AND (o.expires_at <= clock_timestamp() OR o.cancelled_at IS NOT NULL) FOR UPDATE OF x SKIP LOCKED) free
    WHERE r.order_id = free.order_id AND r.host = free.host;
  DELETE FROM fleet_part WHERE (order_id, host, part) IN (SELECT p.order_id, p.host, p.part FROM fleet_part p JOIN fleet_order o
    ON o.id = p.order_id WHERE o.placed_at < clock_timestamp() - interval '1 day' FOR UPDATE OF p SKIP LOCKED);
  DELETE FROM fleet_rule WHERE coalesce(expires_at, CASE WHEN action IS NULL THEN set_at END) < clock_timestamp() - interval '30 days' $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pqpurge FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fleet_hello, fleet_beat, fleet_claim, fleet_progress, fleet_add_part, fleet_report, fleet_rules TO pqpurge_host;
GRANT EXECUTE ON FUNCTION fleet_set_rule, fleet_place, fleet_cancel, fleet_trim, fleet_rules TO pqpurge_operator;

-- `fleet add` and `fleet retire` make and bar login roles, so their caller must be able to manage roles. There is no password: the
-- certificate is the login. FL007: a role of that name exists for another purpose; it is left alone.
RESET ROLE;
CREATE FUNCTION pqpurge.add_role(p_name text, p_group text, p_limit int) RETURNS void
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ BEGIN
  IF p_name !~ '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$' THEN
    RAISE EXCEPTION '"%" is no name: a-z, 0-9, "." and "-", at most 63 bytes', p_name USING ERRCODE = 'FL007'; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_name) THEN
    EXECUTE format('CREATE ROLE %I LOGIN CONNECTION LIMIT %s IN ROLE %I', p_name, p_limit, p_group);
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''20s''', p_name);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''20s''', p_name);
  ELSIF EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
      WHERE r.rolname = p_name AND g.rolname = p_group) THEN
    EXECUTE format('ALTER ROLE %I LOGIN', p_name);
  ELSE
    RAISE EXCEPTION 'the role "%" is there already, and not in %', p_name, p_group USING ERRCODE = 'FL007';
  END IF;
  -- Otherwise a login could fill the disk by sorting. Needs a superuser; without one it warns.
  BEGIN EXECUTE format('ALTER ROLE %I SET temp_file_limit = ''64MB''', p_name);
  EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING 'temp_file_limit of %: %', p_name, SQLERRM; END;
END $$;
CREATE FUNCTION pqpurge.fleet_add_host(p_name text, p_tags text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ BEGIN
  PERFORM add_role(p_name, 'pqpurge_host', 3);
  INSERT INTO fleet_host (name, tags) VALUES (p_name, coalesce(p_tags, '{}'))
    ON CONFLICT (name) DO UPDATE SET retired_at = NULL, tags = coalesce(p_tags, fleet_host.tags);
  INSERT INTO fleet_event (kind, host) VALUES ('add', p_name);
END $$;
CREATE FUNCTION pqpurge.fleet_add_person(p_name text, p_group text) RETURNS void
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ BEGIN
  IF p_group NOT IN ('pqpurge_operator', 'pqpurge_reader') THEN
    RAISE EXCEPTION 'no such group: %', p_group USING ERRCODE = 'FL007'; END IF;
  PERFORM add_role(p_name, p_group, 20);
  INSERT INTO fleet_event (kind, detail) VALUES ('add', p_group || ' ' || p_name);
END $$;
-- Only a member of a role ends its sessions. A caller who may manage the role, and is no superuser, joins it until they have ended.
CREATE FUNCTION pqpurge.end_sessions(p_name text, p_wait_ms bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ DECLARE n bigint; joins boolean := NOT pg_has_role(p_name, 'USAGE'); BEGIN
  IF joins THEN EXECUTE format('GRANT %I TO CURRENT_USER', p_name); END IF;
  PERFORM pg_stat_clear_snapshot();
  SELECT count(pg_terminate_backend(pid, p_wait_ms)) INTO n FROM pg_stat_activity WHERE usename = p_name;
  IF joins THEN EXECUTE format('REVOKE %I FROM CURRENT_USER', p_name); END IF;
  RETURN n;
END $$;
-- Call it before fleet_retire_host, in its own transaction, so that no new session begins while the old ones are ended. A stolen host
-- may lock its role's row (ALTER ROLE ... PASSWORD in an open transaction) and connect again, so this ends sessions, too. Returns
-- their number. FL008: the host kept the lock.
CREATE FUNCTION pqpurge.fleet_bar(p_name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp SET lock_timeout = '200ms' AS $$ DECLARE n bigint := 0; BEGIN
  IF NOT EXISTS (SELECT FROM fleet_host WHERE name = p_name) THEN
    RAISE EXCEPTION 'no such host: %', p_name USING ERRCODE = 'FL005'; END IF;
  FOR try IN 1..10 LOOP
    BEGIN
      EXECUTE format('ALTER ROLE %I NOLOGIN', p_name);
      RETURN n;
    EXCEPTION WHEN lock_not_available OR internal_error THEN  -- "tuple concurrently updated" is internal
      n := n + end_sessions(p_name, 500);
    END;
  END LOOP;
  RAISE EXCEPTION 'the sessions of % keep its role from being barred; try again', p_name USING ERRCODE = 'FL008';
END $$;
CREATE FUNCTION pqpurge.fleet_retire_host(p_name text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pqpurge, pg_temp AS $$ DECLARE n bigint := end_sessions(p_name, 5000); BEGIN
  UPDATE fleet_host SET retired_at = clock_timestamp() WHERE name = p_name;
  UPDATE fleet_result SET state = 'cancelled', finished_at = clock_timestamp() WHERE host = p_name AND state = 'pending';
  INSERT INTO fleet_event (kind, host) VALUES ('retire', p_name);
  RETURN n;
END $$;
REVOKE EXECUTE ON FUNCTION pqpurge.add_role, pqpurge.fleet_add_host, pqpurge.fleet_add_person, pqpurge.end_sessions,
  pqpurge.fleet_bar, pqpurge.fleet_retire_host FROM PUBLIC;
