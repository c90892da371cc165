# SPDX-License-Identifier: ISC
"""`setup` with systemd: the units that it enables, restarts and stops. A fake systemctl records the calls, and /etc, /run
and /usr/bin are private in a mount namespace."""
import glob
import os
import shutil
import subprocess

from pqpurge import TOP
from test_setup import SetupCase

# Layers over the real directories; they outlive the command, whose words follow.
NAMESPACE = """
set -e
for name in etc usr/bin; do
    mount -t overlay none -o "lowerdir=/$name,upperdir=$LAYERS/$name,workdir=$LAYERS/work.${name##*/}" "/$name"
done
mount -t tmpfs none /run
mkdir -p /run/systemd/system
for name in $WITHOUT; do mount --bind /dev/null "$name"; done
status=0
"$@" || status=$?
[ ! -d /run/pqpurge ] || stat -c '%a %U %G' /run/pqpurge >"$LAYERS/run_pqpurge"
exit $status
"""
# Units are files below enabled/ and active/. A unit in broken/ can be enabled but does not start.
SYSTEMCTL = """#!/bin/sh
cd %(books)s || exit 1
echo "$*" >>calls
case $1 in
daemon-reload) exit 0 ;;
esac
for unit; do :; done
case $1 in
is-enabled) test -e "enabled/$unit" ;;
is-active) test -e "active/$unit" ;;
enable)
    touch "enabled/$unit"
    test ! -e "broken/$unit" || { echo "Job for $unit failed because the control process exited." >&2; exit 1; }
    touch "active/$unit" ;;
restart) test -e "active/$unit" ;;
disable) rm -f "enabled/$unit" "active/$unit" ;;
*) exit 1 ;;
esac
"""
CHANGES = ("enable", "disable", "restart", "daemon-reload")

DOOR_ENABLED = ["daemon-reload", "enable --now pqpurge-order-daemon.socket",
                "daemon-reload", "enable --now pqpurge-order-operator.socket"]

class Units(SetupCase):
    def setUp(self):
        super().setUp()
        self.given = self.pq.conf
        self.layers = os.path.join(self.pq.home, "layers")
        # An overlay's upper layer cannot be on an overlay, as a container's root is.
        os.makedirs(self.layers)
        subprocess.run(["mount", "-t", "tmpfs", "none", self.layers], check=True)
        self.addCleanup(subprocess.run, ["umount", self.layers], check=True)
        self.books = os.path.join(self.pq.home, "books")
        for name in ("etc/pqpurge", "etc/systemd/system", "etc/sysusers.d", "etc/tmpfiles.d", "usr/bin", "work.etc", "work.bin"):
            os.makedirs(os.path.join(self.layers, name))
        for kind in ("sysusers", "tmpfiles"):
            shutil.copy(os.path.join(TOP, "conf/pqpurge." + kind), os.path.join(self.layers, f"etc/{kind}.d/pqpurge.conf"))
        for name in ("enabled", "active", "broken"):
            os.makedirs(os.path.join(self.books, name))
        for unit in glob.glob(os.path.join(TOP, "conf/*.service")) + glob.glob(os.path.join(TOP, "conf/*.socket")) + \
                glob.glob(os.path.join(TOP, "conf/*.timer")):
            shutil.copy(unit, os.path.join(self.layers, "etc/systemd/system"))
        systemctl = os.path.join(self.layers, "usr/bin/systemctl")
        self.write(systemctl, SYSTEMCTL % {"books": self.books})
        os.chmod(systemctl, 0o755)
        self.use("pqpurge.conf")

    def use(self, name):
        """Puts the settings under a name in /etc/pqpurge, as the command in the namespace sees it."""
        shutil.copy(self.given, os.path.join(self.layers, "etc/pqpurge", name))
        self.conf = os.path.join(self.layers, "etc/pqpurge", name)
        self.pq.conf = "/etc/pqpurge/" + name

    def setup(self, *args, status=0, without=""):
        """without: programs that cannot be executed."""
        result = self.pq.idx("setup", *args, prefix=["unshare", "-m", "sh", "-c", NAMESPACE, "sh"],
                             env={**os.environ, "LAYERS": self.layers, "WITHOUT": without})
        self.assertEqual(result.status, status, f"setup {args}: {result}")
        return result

    def calls(self):
        """What systemctl was asked to change since the last look."""
        path = os.path.join(self.books, "calls")
        if not os.path.exists(path):
            return []
        calls = self.read(path).splitlines()
        os.unlink(path)
        return [call for call in calls if call.split()[0] in CHANGES]

    def enabled(self):
        return set(os.listdir(os.path.join(self.books, "enabled")))

    def record(self):
        return self.read(self.conf + ".undo/made")

    def test_whole(self):
        main_cf = self.read(self.main_cf)
        result = self.setup("-y", status=2)  # status: no daemon runs
        self.assertIn("enable and start pqpurge-milter.service", result.out)
        self.assertEqual(self.calls(), ["daemon-reload", "enable --now pqpurge-milter.service",
                                        "daemon-reload", "enable --now pqpurge-sync.timer", *DOOR_ENABLED])
        self.assertIn("unit pqpurge-milter.service\nunit pqpurge-sync.timer\nunit pqpurge-order-daemon.socket\n", self.record())
        self.assertIn("Everything is done already", self.setup("-y", status=2).out)
        self.assertEqual(self.calls(), [])
        result = self.setup("--remove", "-y")
        self.assertIn("stop and disable pqpurge-sync.timer", result.out)
        self.assertEqual(self.calls(), [
            "disable --now pqpurge-milter.service", "disable --now pqpurge-sync.timer",
            "disable --now pqpurge-order-daemon.socket", "disable --now pqpurge-order-operator.socket"])
        self.assertEqual(self.enabled(), set())
        self.assertEqual(self.read(self.main_cf), main_cf)
        self.assertFalse(os.path.exists(self.conf + ".undo"))

    def test_a_dry_run_changes_no_unit(self):
        self.setup("-n")
        self.assertEqual(self.calls(), [])

    def test_a_daemon_that_does_not_start(self):
        """Postfix is not set to ask it. After a repair setup goes on; the removal stops what was enabled."""
        main_cf = self.read(self.main_cf)
        broken = os.path.join(self.books, "broken/pqpurge-milter.service")
        self.write(broken, "")
        result = self.setup("-y", status=2)
        self.assertIn("Job for pqpurge-milter.service failed", result.err)
        self.assertIn("unfinished", result.err)
        self.assertEqual(self.read(self.main_cf), main_cf)
        self.assertIn("unit pqpurge-milter.service\n", self.record(), "it was enabled all the same")
        os.unlink(broken)
        self.setup("-y", status=2)
        self.assertIn("milter.sock", self.milters())
        self.setup("--remove", "-y")
        self.assertEqual((self.enabled(), self.read(self.main_cf)), (set(), main_cf))

    def test_what_the_admin_enabled_stays(self):
        for state in ("enabled", "active"):
            self.write(os.path.join(self.books, state, "pqpurge-milter.service"), "")
        self.setup("-y", status=2)
        # It ran with other settings: setup filled in origin.
        self.assertEqual(self.calls(), ["restart pqpurge-milter.service", "daemon-reload", "enable --now pqpurge-sync.timer",
                                        *DOOR_ENABLED])
        self.setup("--remove", "-y")
        self.assertEqual(self.enabled(), {"pqpurge-milter.service"})

    def test_socket_unit(self):
        """socket = "fd:3": first systemd's socket, without which the service does not start."""
        text = self.read(self.conf)
        self.write(self.conf, "".join('socket = "fd:3"\n' if line.startswith("socket =") else line
                                      for line in text.splitlines(True)))
        self.setup("-y", status=2)
        self.assertEqual([call for call in self.calls() if call.startswith("enable")], [
            "enable --now pqpurge-milter.socket", "enable --now pqpurge-milter.service", "enable --now pqpurge-sync.timer",
            "enable --now pqpurge-order-daemon.socket", "enable --now pqpurge-order-operator.socket"])
        self.setup("--remove", "-y")
        self.assertEqual(self.enabled(), set())

    def test_instance(self):
        self.use("out.conf")
        self.setup("-y", status=2)
        self.assertEqual(self.enabled(), {"pqpurge-milter@out.service", "pqpurge-sync@out.timer"})
        self.setup("--remove", "-y")
        self.assertEqual(self.enabled(), set())

    def without_user(self):
        self.write(self.conf, self.read(self.conf).replace('user = "nobody"\n', ""))
        self.write(os.path.join(self.layers, "etc/passwd"), "".join(
            line for line in self.read("/etc/passwd").splitlines(True) if not line.startswith("pqpurge:")))

    def assert_user_is_made(self, without=""):
        self.without_user()
        self.setup("-y", status=2, without=without)
        (made,) = [line.split(":") for line in self.read(os.path.join(self.layers, "etc/passwd")).splitlines()
                   if line.startswith("pqpurge:")]
        self.assertEqual((made[4], made[6]), ("pqpurge index daemon", "/usr/sbin/nologin"))
        self.assertEqual(os.stat(self.pq.index).st_uid, int(made[2]))
        self.assertIn("user pqpurge\n", self.record())
        self.assertIn("userdel pqpurge", self.setup("--remove", "-y").out)
        return made

    def test_the_user_is_made(self):
        """By conf/pqpurge.sysusers."""
        self.assertEqual(self.assert_user_is_made(without="/usr/sbin/useradd")[5], "/var/lib/pqpurge")

    def test_the_user_is_made_without_systemd(self):
        self.assertEqual(self.assert_user_is_made(without="/usr/bin/systemd-sysusers")[5], self.pq.state)

    def test_a_user_that_cannot_be_made(self):
        """It is not recorded, or the removal would name a user that never existed."""
        self.without_user()
        result = self.setup("-y", status=2, without="/usr/bin/systemd-sysusers /usr/sbin/useradd")
        self.assertIn("useradd", result.err)
        self.assertIn("make the system user pqpurge", result.out)
        self.assertNotIn("user ", self.record())
        self.assertNotIn("userdel", self.setup("--remove", "-n").out)

    def usual_index(self):
        """The index in its place in conf/pqpurge.tmpfiles."""
        self.without_user()
        self.write(self.conf, "".join(line for line in self.read(self.conf).splitlines(True)
                                      if not line.startswith("index_directory")))

    def run_pqpurge(self):
        """The state of /run/pqpurge at the command's end."""
        return self.read(os.path.join(self.layers, "run_pqpurge")).strip()

    def test_directories_by_tmpfiles(self):
        """Only the shown ones are made, whatever else the file names."""
        self.usual_index()
        tmpfiles = os.path.join(self.layers, "etc/tmpfiles.d/pqpurge.conf")
        self.write(tmpfiles, self.read(tmpfiles).replace("d /run/pqpurge 0750", "d /run/pqpurge 0751") +
                   f"d {self.pq.home}/other 0700 root root -\n")
        result = self.setup("-y", status=2)
        self.assertIn("make the directory /run/pqpurge (0750 pqpurge pqpurge)", result.out)
        self.assertEqual(self.run_pqpurge(), "751 pqpurge pqpurge", "it was made by the file")
        self.assertFalse(os.path.exists(self.pq.home + "/other"))

    def test_directories_of_another_user(self):
        """The daemon is not pqpurge, which the file names and which exists."""
        self.usual_index()
        self.write(self.conf, self.read(self.conf) + 'user = "nobody"\n')
        for name, line in ("passwd", "pqpurge:x:990:990::/:/usr/sbin/nologin\n"), ("group", "pqpurge:x:990:\n"):
            self.write(os.path.join(self.layers, "etc", name), self.read("/etc/" + name) + line)
        result = self.setup("-y", status=2)
        self.assertIn("make the directory /run/pqpurge (0750 nobody nogroup)", result.out)
        self.assertEqual(self.run_pqpurge(), "750 nobody nogroup")

    def test_directories_without_systemd(self):
        self.usual_index()
        self.setup("-y", status=2, without="/usr/bin/systemd-tmpfiles")
        self.assertEqual(self.run_pqpurge(), "750 pqpurge pqpurge")

    def test_settings_elsewhere_have_no_unit(self):
        self.pq.conf = self.given
        self.assertIn("no unit belongs to this settings file", self.setup("-y", status=2).out)
        self.assertEqual(self.calls(), [])
        self.setup("--remove", "-y")
