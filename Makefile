# SPDX-License-Identifier: ISC
# pqpurge: one Makefile for all. `make help` says what it can do.

PREFIX      ?= /usr/local
SYSCONFDIR  ?= /etc
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
MANDIR      ?= $(PREFIX)/share/man
ZSHDIR      ?= $(PREFIX)/share/zsh/site-functions
DESTDIR     ?=
BUILD       ?= build
CC          ?= gcc
PKG_CONFIG  ?= pkg-config
INSTALL     ?= install
PYTHON      ?= /usr/bin/python3
CFLAGS      ?= -O2 -g
VERSION     := 1.0.0

.DEFAULT_GOAL := all

# ---- what the code needs
PACKAGES  := lmdb libpcre2-8 libidn2 jansson libconfuse smartcols libxxhash ncursesw
WARNINGS  := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
             -Wwrite-strings -Wvla -Wpointer-arith -Wundef -Wold-style-definition
HARDENING := -fstack-protector-strong -fPIE -fstack-clash-protection
ifeq ($(filter -O0,$(CFLAGS))$(SANITIZE),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
# Asked once, when first needed: `make check torture` may have installed them by then.
once = $(eval $(1) := $(2))$($(1))
PACKAGES_MISSING = $(call once,PACKAGES_MISSING,$(shell $(PKG_CONFIG) --exists $(PACKAGES) libpq 2>/dev/null || echo yes))
PACKAGES_CFLAGS  = $(call once,PACKAGES_CFLAGS,$(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null))
PACKAGES_LIBS    = $(call once,PACKAGES_LIBS,$(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null))
# pqpurge-link alone speaks to PostgreSQL; root's programs link nothing of it.
FLEET_CFLAGS     = $(call once,FLEET_CFLAGS,$(shell $(PKG_CONFIG) --cflags libpq 2>/dev/null))
FLEET_LIBS       = $(call once,FLEET_LIBS,$(shell $(PKG_CONFIG) --libs libpq 2>/dev/null))

CPPFLAGS_ALL := -Ilib -I. -D_GNU_SOURCE -DPQPURGE_VERSION='"$(VERSION)"' $(CPPFLAGS)
CFLAGS_ALL    = -std=gnu11 -pthread $(WARNINGS) $(HARDENING) $(CFLAGS) $(PACKAGES_CFLAGS)
LDFLAGS_ALL  := -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS          = $(PACKAGES_LIBS) -lmilter -lm
ifdef DEVELOPER
CFLAGS_ALL += -Werror
endif
ifdef SANITIZE
CFLAGS_ALL  += -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -O1
LDFLAGS_ALL += -fsanitize=$(SANITIZE)
endif
ifdef V
Q :=
say = @:
else
Q := @
say = @printf '  %-5s %s\n'
endif
need_packages = $(if $(PACKAGES_MISSING),$(error libraries are missing: run `make deps` as root, or install what tests/deps.sh lists))

# ---- rooms: an archive each, linked with the rooms below it only, so that a wrong arrow does not link
ROOMS         := base mail door flood rules index postfix order milter purge fleet
BELOW_base    :=
BELOW_mail    := base
BELOW_door    := mail base
BELOW_flood   := mail base
BELOW_rules   := mail base
BELOW_index   := rules mail base
BELOW_postfix := mail base
BELOW_order   := index rules postfix mail base
BELOW_milter  := flood index rules door mail base
BELOW_purge   := flood order index rules door postfix mail base
BELOW_fleet   := door postfix mail base
LIBS_fleet     = $(FLEET_LIBS)
dir_of        = $(if $(filter milter purge fleet,$(1)),$(1),lib/$(1))
sources_of    = $(filter-out %/main.c,$(wildcard $(call dir_of,$(1))/*.c $(call dir_of,$(1))/*/*.c))
objects_of    = $(patsubst %.c,$(BUILD)/%.o,$(call sources_of,$(1))) $(MADE_$(1))
MADE_fleet    := $(BUILD)/made/migrations.o
archives_of   = $(foreach r,$(1) $(BELOW_$(1)),$(BUILD)/lib$(r).a)

PROGRAMS := $(BUILD)/pqpurge-milter $(BUILD)/pqpurge-idx $(BUILD)/pqpurge-link
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*/test_*.c))
FUZZ     := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS    := $(patsubst tests/tools/%.c,$(BUILD)/tools/%,$(wildcard tests/tools/*.c))
SHIMS    := $(patsubst tests/shim/%.c,$(BUILD)/shim/%.so,$(wildcard tests/shim/*.c))
TORTURE  := $(patsubst tests/torture/%.c,$(BUILD)/torture/%,$(wildcard tests/torture/*.c))
BENCHES  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

all: $(PROGRAMS) ## build the three programs (needs no root)

$(BUILD)/%.o: %.c
	$(need_packages)$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/fleet/%.o: CFLAGS_ALL += $(FLEET_CFLAGS)
# The unit tests are compiled for one run: a third of the time of -O2. What they test is compiled as it is shipped.
$(BUILD)/tests/unit/%.o: CFLAGS_ALL += $(if $(SANITIZE),,-O0 -U_FORTIFY_SOURCE)
# The schema's migrations as strings: fleet/migrations.h.
MIGRATIONS := $(wildcard fleet/migrations/*.sql)
$(BUILD)/made/migrations.c: $(MIGRATIONS) Makefile
	@mkdir -p $(@D)
	$(Q){ echo '#include "fleet/migrations.h"'; echo 'const char *const migrations[] = {'; \
	  for f in $(MIGRATIONS); do sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/' $$f; echo ','; done; \
	  echo '};'; echo 'const size_t migrations_count = $(words $(MIGRATIONS));'; } > $@
$(BUILD)/made/%.o: $(BUILD)/made/%.c
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

link = $(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@

define room
$(BUILD)/lib$(1).a: $(call objects_of,$(1))
	$$(say) AR $$@
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(call archives_of,$(1))
	$$(say) LD $$@
	$$(link) $$< $(call archives_of,$(1)) $$(LIBS) $$(LIBS_$(1)) -lcmocka
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/pqpurge-milter: $(BUILD)/milter/main.o $(call archives_of,milter)
	$(say) LD $@
	$(link) $^ $(LIBS)
$(BUILD)/pqpurge-idx: $(BUILD)/purge/main.o $(call archives_of,purge)
	$(say) LD $@
	$(link) $^ $(LIBS)

$(BUILD)/pqpurge-link: $(BUILD)/fleet/main.o $(call archives_of,fleet)
	$(say) LD $@
	$(link) $^ $(LIBS) $(FLEET_LIBS)

# ---- tests: each kind alone, or most by `make check`, and the rest by `make check-long`
# What is only built may use every processor; what is run or measured does not share them.
PARALLEL   = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
RUN_TESTS := unit replay protocol postfix fleet
# The tests on Postfix take longest and mostly wait, so the others run beside them, one part after the other and in fewer
# processes than alone. What such a part says is shown when it ends. With JOBS=1 no part runs beside another.
SIDE_BY_SIDE = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(if $(filter 1,$(JOBS)),1,2))
BESIDE       = $(if $(JOBS),,JOBS=$(shell nproc))

.PHONY: all check check-long check-postfix check-others $(RUN_TESTS) full programs-for-tests
check: ## lint, and the tests: some minutes
	sh tests/deps.sh build test lint
	$(MAKE) lint LINT_GCC=$(BUILD)
	$(MAKE) $(SIDE_BY_SIDE) --output-sync=target --no-print-directory DEVELOPER=1 check-postfix check-others
	@echo "all tests passed"
check-postfix:
	$(MAKE) --output-sync=none postfix
check-others:
	$(MAKE) unit $(BESIDE)
	$(MAKE) replay
	$(MAKE) fleet $(BESIDE)
	$(MAKE) protocol $(BESIDE)
check-long: ## what else continuous integration runs: sanitizers, short torture and bench, large sizes, another Debian
	sh tests/deps.sh build test lint suite
	$(MAKE) sanitize
	$(MAKE) torture DEVELOPER=1 ROUNDS=10
	$(MAKE) bench-short DEVELOPER=1
	$(MAKE) full DEVELOPER=1
	IF_REACHED=1 $(MAKE) suite
	@echo "all long tests passed"

unit: $(if $(T),$(BUILD)/unit/$(T),$(UNIT)) ## cmocka tests of every module; T=mail/test_domain for one
	@tests/disk tests/unit/run $^

replay: $(FUZZ:%=$(BUILD)/replay/%) ## every fuzz target over its corpus
	@for t in $(FUZZ); do $(BUILD)/replay/$$t tests/fuzz/corpus/$$t/* || { echo "replay of $$t failed"; exit 1; }; done
	@echo "replay: $(words $(FUZZ)) targets over $(words $(wildcard tests/fuzz/corpus/*/*)) inputs, 0 failed"

programs-for-tests: $(PROGRAMS) $(TOOLS) $(SHIMS)
protocol: programs-for-tests ## the daemon alone, spoken to by miltertest and a raw client; T=test_disk for one file
	tests/disk tests/protocol/run $(BUILD) $(T)
postfix: programs-for-tests ## both programs on a private real Postfix; T=test_purge for one file
	tests/disk tests/postfix/run $(BUILD) $(T)

fleet: programs-for-tests ## three hosts on a private PostgreSQL with TLS, and private Postfixes; T=test_rights for one file
	tests/disk tests/fleet/run $(BUILD) $(T)

# The Postfix tests that have a full size run in it with torture, in its long form.
full: programs-for-tests ## a protocol test in full size; more Postfix tests with long queue IDs
	PQPURGE_FULL=1 tests/disk tests/protocol/run $(BUILD) test_reload
	tests/disk tests/postfix/run $(BUILD) --at-length

SUITE = trixie
.PHONY: suite demo fleet-demo
suite: ## the demo, then the unit tests, in a bare root of another Debian (needs root and the mirror); SUITE=testing
	sh tests/deps.sh suite
	tests/suite/run $(SUITE)
fleet-demo: ## install what is missing, build, and show an order to a fleet of private Postfixes
	sh tests/deps.sh build fleet
	$(MAKE) all
	$(PYTHON) tests/fleet/demo.py $(BUILD)
.PHONY: docs-pictures
docs-pictures: ## install what is missing, build, and draw docs/report.png: a report of the demo's flood, by Chromium
	sh tests/deps.sh build demo browser
	$(MAKE) all
	$(PYTHON) tests/demo/pictures.py $(BUILD) docs
demo: ## install what is missing, build, and show the main job on a private Postfix
	sh tests/deps.sh build demo
	$(MAKE) all
	$(PYTHON) tests/demo/demo.py $(BUILD)

$(BUILD)/tools/%: $(BUILD)/tests/tools/%.o $(call archives_of,index)
	$(say) LD $@
	$(link) $^ $(LIBS)
$(BUILD)/shim/%.so: tests/shim/%.c
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS_ALL) -std=gnu11 $(WARNINGS) -O2 -fPIC -shared -o $@ $< -ldl
$(BUILD)/torture/%: $(BUILD)/tests/torture/%.o $(call archives_of,order)
	$(say) LD $@
	$(link) $^ $(LIBS)
$(BUILD)/replay/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o \
  $(foreach r,milter flood door,$(BUILD)/lib$(r).a) $(call archives_of,order)
	$(say) LD $@
	$(link) $^ $(LIBS)
$(BUILD)/bench/bench_fleet: $(BUILD)/tests/bench/bench_fleet.o $(call archives_of,fleet)
	$(say) LD $@
	$(link) $^ $(LIBS) $(FLEET_LIBS)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libflood.a $(call archives_of,order)
	$(say) LD $@
	$(link) $^ $(LIBS)

# ---- sanitizers: unit and protocol tests once under ASan+UBSan, and where there are threads under TSan
TSAN_ROOMS := base door index rules milter
TSAN_UNIT   = $(filter $(TSAN_ROOMS:%=$(BUILD)/unit/%/%),$(UNIT))
.PHONY: sanitize tests-build unit-of-threads
# These compute more than they wait.
sanitize: export JOBS ?= $(shell nproc)
sanitize: ## unit, replay and protocol tests under ASan+UBSan; what has threads also under TSan
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/asan SANITIZE=address,undefined tests-build
	for t in unit replay protocol; do $(MAKE) BUILD=$(BUILD)/asan SANITIZE=address,undefined $$t || exit 1; done
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/tsan SANITIZE=thread programs-for-tests $(TSAN_UNIT:$(BUILD)/%=$(BUILD)/tsan/%)
	$(MAKE) BUILD=$(BUILD)/tsan SANITIZE=thread unit-of-threads
	$(MAKE) BUILD=$(BUILD)/tsan SANITIZE=thread protocol
unit-of-threads: $(TSAN_UNIT)
	@tests/disk tests/unit/run $^
tests-build: programs-for-tests $(UNIT) $(FUZZ:%=$(BUILD)/replay/%)

# ---- fuzzing with clang's libFuzzer: make fuzz [TARGET=from] [TIME=60]
TIME   ?= 60
TARGET ?= $(FUZZ)
FUZZ_LIBS := $(foreach r,milter flood order index rules door postfix mail base,$(call sources_of,$(r)))
FUZZ_CC    = clang $(CPPFLAGS_ALL) -std=gnu11 -g -O1 -fno-sanitize-recover=undefined $(PACKAGES_CFLAGS) -pthread
.PHONY: fuzz fuzz-each $(FUZZ:%=fuzz-%)
fuzz: ## libFuzzer, TIME seconds for each target, as many at a time as there are processors
	$(MAKE) $(PARALLEL) fuzz-each
fuzz-each: $(TARGET:%=fuzz-%)
$(FUZZ:%=fuzz-%): fuzz-%: $(BUILD)/fuzz/%
	@echo "fuzzing $* for $(TIME) s"
	@mkdir -p $(BUILD)/corpus/$*
	@$(BUILD)/fuzz/$* $(addprefix -dict=,$(wildcard tests/fuzz/dict/$*.dict)) \
	  -max_total_time=$(TIME) -print_final_stats=0 -verbosity=0 -timeout=20 \
	  -artifact_prefix=$(BUILD)/corpus/found-$*- $(BUILD)/corpus/$* tests/fuzz/corpus/$*
	@echo "fuzzed $*: nothing found"
$(BUILD)/fuzz-objects/%.o: %.c
	$(say) FUZZ $<
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<
$(BUILD)/fuzz/%: $(BUILD)/fuzz-objects/tests/fuzz/fuzz_%.o $(FUZZ_LIBS:%.c=$(BUILD)/fuzz-objects/%.o)
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(PACKAGES_LIBS) -lmilter -lm

# ---- torture: faults, damage and long random histories
ROUNDS ?= 200
.PHONY: torture
torture: programs-for-tests $(TORTURE) $(BUILD)/unit/postfix/test_spool_history ## kills, full disks, damage, random histories; ROUNDS=200, SEED=, P="passing reuse" for some of it
	tests/torture/run $(BUILD) $(ROUNDS) $(P)

# ---- measurements
.PHONY: bench bench-short bench-programs
bench: ## install what is missing; ratios against postsuper and a null milter; prints, judges nothing; B="purge accept"
	sh tests/deps.sh build test bench
	$(MAKE) bench-programs
	tests/bench/run $(BUILD) $(B)
bench-short: bench-programs ## the same in a minute: small, one round, no plots; shows that it works, not how fast
	ROUNDS=1 COUNT=4000 SIZES=10000 MESSAGES=300 PROBES=20 EACH=100 RULES=1000 PLOTS=no RESULTS=$(BUILD)/bench-short \
	  tests/bench/run $(BUILD) purge milter accept index
.PHONY: fleet-bench
fleet-bench: $(BUILD)/bench/bench_fleet $(PROGRAMS) ## 500 simulated hosts on a private PostgreSQL with TLS: how soon an order is with all, and done
	@$(PYTHON) tests/bench/fleet.py $(BUILD)
SEED ?= 1
.PHONY: flood-bench
flood-bench: $(BUILD)/bench/bench_flood ## the flood watch beside other tools' limits on 60 days of made traffic; SEED=1; some minutes
	@PYTHONHASHSEED=0 $(PYTHON) tests/bench/flood_traffic.py $(SEED) | $(BUILD)/bench/bench_flood
bench-programs: all $(BENCHES) $(TOOLS)

# ---- lint
C_FILES   := $(shell git ls-files -co --exclude-standard '*.c' '*.h' 2>/dev/null)
MAN_PAGES := $(wildcard milter/*.[1578] purge/*.[1578] fleet/*.[1578])
SH_FILES  := conf/completion/pqpurge-idx.bash conf/hooks/flood-mail conf/hooks/flood-webhook tests/deps.sh tests/lint.sh tests/disk tests/unit/run tests/fleet/run .ci/run tests/suite/run \
             $(wildcard debian/p*inst debian/p*rm tests/deb/*)

LINT_GCC  ?= $(BUILD)/lint-gcc
LINT_FLAGS = $(CPPFLAGS_ALL) -std=gnu11 $(PACKAGES_CFLAGS) $(FLEET_CFLAGS)
.PHONY: lint lint-long
lint: ## formatting, warnings as errors by gcc and clang, clang-tidy but its analyzer, rooms, units, manuals, shell
	$(MAKE) $(PARALLEL) BUILD=$(LINT_GCC) CC=gcc DEVELOPER=1 lint-text lint-build
	@echo "clang, clang-tidy"
	@sh tests/lint.sh clang $(WARNINGS) $(LINT_FLAGS)
	@sh tests/lint.sh tidy $(WARNINGS) $(LINT_FLAGS)
	@echo "lint: clean"
lint-long: ## before a release: a whole build by clang, and clang-tidy with its analyzer
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/lint-clang CC=clang DEVELOPER=1 lint-build
	@echo "clang-tidy with its analyzer"
	@sh tests/lint.sh analyze $(LINT_FLAGS)
	@echo "lint: clean"
.PHONY: lint-text lint-build
lint-text:
	@echo "clang-format, rooms, units, mandoc, shellcheck"
	@sh tests/lint.sh format $(C_FILES)
	@sh tests/lint.sh rooms
	@sh tests/lint.sh map
	@sh tests/lint.sh keys
	@sh tests/lint.sh units
	@mandoc -Tlint -W warning $(MAN_PAGES)
	@shellcheck $(SH_FILES)
lint-build: $(PROGRAMS) $(UNIT) $(TOOLS) $(SHIMS) $(BENCHES) $(TORTURE) $(FUZZ:%=$(BUILD)/replay/%)

# ---- install
# A socket with Accept=yes starts the service of its own name, so that one file is installed under two.
UNIT_FILES    = $(wildcard conf/*.service conf/*.socket conf/*.timer)
ORDER_UNIT    = conf/pqpurge-order@.service
ORDER_UNITS   = pqpurge-order-daemon@.service pqpurge-order-operator@.service
INSTALLED_MAN = $(foreach m,$(MAN_PAGES),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))
.PHONY: install uninstall
install: all ## programs, manuals, units; an existing configuration is never overwritten
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(SYSCONFDIR)/pqpurge $(DESTDIR)$(UNITDIR) \
	  $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(TMPFILESDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 0755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/sbin
	for m in $(MAN_PAGES); do $(INSTALL) -m 0644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/ || exit 1; done
	for f in $(filter-out $(ORDER_UNIT),$(UNIT_FILES)); do \
	  sed 's|@PREFIX@|$(PREFIX)|g' $$f > $(DESTDIR)$(UNITDIR)/$${f##*/} || exit 1; done
	for f in $(ORDER_UNITS); do sed 's|@PREFIX@|$(PREFIX)|g' $(ORDER_UNIT) > $(DESTDIR)$(UNITDIR)/$$f || exit 1; done
	$(INSTALL) -m 0644 conf/pqpurge.sysusers $(DESTDIR)$(SYSUSERSDIR)/pqpurge.conf
	$(INSTALL) -m 0644 conf/pqpurge-fleet.sysusers $(DESTDIR)$(SYSUSERSDIR)/pqpurge-fleet.conf
	$(INSTALL) -m 0644 conf/pqpurge.tmpfiles $(DESTDIR)$(TMPFILESDIR)/pqpurge.conf
	$(INSTALL) -D -m 0644 conf/completion/pqpurge-idx.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pqpurge-idx
	$(INSTALL) -D -m 0644 conf/completion/_pqpurge-idx $(DESTDIR)$(ZSHDIR)/_pqpurge-idx
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/pqpurge/hooks
	$(INSTALL) -m 0755 conf/hooks/* $(DESTDIR)$(PREFIX)/share/pqpurge/hooks
	$(INSTALL) -D -m 0644 conf/prometheus/pqpurge.rules.yml $(DESTDIR)$(PREFIX)/share/pqpurge/prometheus/pqpurge.rules.yml
	test -e $(DESTDIR)$(SYSCONFDIR)/pqpurge/pqpurge.conf || \
	  $(INSTALL) -m 0644 conf/pqpurge.conf $(DESTDIR)$(SYSCONFDIR)/pqpurge/pqpurge.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/pqpurge/rules || \
	  $(INSTALL) -m 0644 conf/rules.example $(DESTDIR)$(SYSCONFDIR)/pqpurge/rules
uninstall: ## what install put there, but for the configuration
	rm -rf $(DESTDIR)$(PREFIX)/share/pqpurge
	rm -f $(PROGRAMS:$(BUILD)/%=$(DESTDIR)$(PREFIX)/sbin/%) $(INSTALLED_MAN) \
	  $(patsubst conf/%,$(DESTDIR)$(UNITDIR)/%,$(UNIT_FILES)) $(ORDER_UNITS:%=$(DESTDIR)$(UNITDIR)/%) \
	  $(DESTDIR)$(SYSUSERSDIR)/pqpurge.conf $(DESTDIR)$(SYSUSERSDIR)/pqpurge-fleet.conf $(DESTDIR)$(TMPFILESDIR)/pqpurge.conf \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pqpurge-idx \
	  $(DESTDIR)$(ZSHDIR)/_pqpurge-idx

# ---- Debian package, built in a copy of the tree; the result is in $(BUILD)/deb
.PHONY: deb deb-check upgrade-check
deb: ## build the Debian package and look at it with lintian
	sh tests/deps.sh build test deb
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/source
	tar --exclude=./build --exclude=./.git --exclude=__pycache__ -cf - . | tar -xf - -C $(BUILD)/deb/source
	cd $(BUILD)/deb/source && env -u MAKEFLAGS -u MFLAGS -u BUILD dpkg-buildpackage -b -us -uc
	lintian --fail-on error,warning --tag-display-limit 0 $(BUILD)/deb/*.changes
	@ls $(BUILD)/deb/*.deb
deb-check: ## install, use, upgrade, remove and purge the package in a bare root of this Debian (needs root and the mirror)
	sh tests/deps.sh build test deb
	tests/deb/run $(BUILD)
upgrade-check: ## from version 0.1, built from this repository's history, to this package, in such a root
	sh tests/deps.sh build test deb
	tests/deb/upgrade $(BUILD)

.PHONY: deps clean help
deps: ## install the Debian packages that are missing (as root or with sudo)
	sh tests/deps.sh build test lint
clean: ## remove what was built
	rm -rf $(BUILD)
help: ## this list
	@echo "make TARGET [CFLAGS=... CC=... PREFIX=$(PREFIX) DESTDIR= V=1 DEVELOPER=1 SANITIZE=...]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

.SECONDARY:
-include $(shell find $(BUILD) -path $(BUILD)/deb -prune -o -name '*.d' -type f -print 2>/dev/null)
