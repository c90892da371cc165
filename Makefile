# SPDX-License-Identifier: ISC
# pqpurge: one Makefile for all. `make help` says what it can do.

PREFIX        ?= /usr/local
SYSCONFDIR    ?= /etc
UNITDIR       ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR   ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR   ?= $(PREFIX)/lib/tmpfiles.d
DESTDIR       ?=
BUILD         ?= build
CC            ?= gcc
PKG_CONFIG    ?= pkg-config
CFLAGS        ?= -O2 -g
VERSION       := 0.1.0

# ---- what the code needs
PACKAGES  := lmdb libpcre2-8 libidn2 jansson libconfuse smartcols libxxhash
WARNINGS  := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
             -Wwrite-strings -Wvla -Wpointer-arith -Wundef -Wold-style-definition
HARDENING := -fstack-protector-strong -fPIE -fstack-clash-protection
ifeq ($(filter -O0,$(CFLAGS))$(SANITIZE),)
HARDENING += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
CPPFLAGS_ALL := -Ilib -I. -D_GNU_SOURCE -DPQPURGE_VERSION='"$(VERSION)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' $(CPPFLAGS)
CFLAGS_ALL    = -std=gnu11 -pthread $(WARNINGS) $(HARDENING) $(CFLAGS) $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
LDFLAGS_ALL   = -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS          = $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null) -lmilter
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

# ---- rooms: an archive each, linked with the rooms below it only, so that a wrong arrow does not link
ROOMS        := base mail rules index postfix order milter purge
BELOW_base   :=
BELOW_mail   := base
BELOW_rules  := mail base
BELOW_index  := rules mail base
BELOW_postfix := mail base
BELOW_order  := index rules postfix mail base
BELOW_milter := index rules mail base
BELOW_purge  := order index rules postfix mail base
dir_of        = $(if $(filter milter purge,$(1)),$(1),lib/$(1))
sources_of    = $(filter-out %/main.c,$(wildcard $(call dir_of,$(1))/*.c))
objects_of    = $(patsubst %.c,$(BUILD)/%.o,$(call sources_of,$(1)))
archives_of   = $(foreach r,$(1) $(BELOW_$(1)),$(BUILD)/lib$(r).a)

PROGRAMS := $(BUILD)/pqpurge-milter $(BUILD)/pqpurge-idx
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))

.PHONY: all
all: $(PROGRAMS)

$(BUILD)/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

define room
$(BUILD)/lib$(1).a: $(call objects_of,$(1))
	$$(say) AR $$@
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
$(BUILD)/unit/$(1)/%: $(BUILD)/tests/unit/$(1)/%.o $(call archives_of,$(1))
	$$(say) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$< $(call archives_of,$(1)) $$(LIBS) -lcmocka
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/pqpurge-milter: $(BUILD)/milter/main.o $(call archives_of,milter)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(BUILD)/pqpurge-idx: $(BUILD)/purge/main.o $(call archives_of,purge)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# ---- unit tests: make unit [T=mail/test_domain]
.PHONY: unit
unit: $(if $(T),$(BUILD)/unit/$(T),$(UNIT))
	@for t in $^; do printf '%s\n' "$$t" && "$$t" || exit 1; done

.PHONY: clean
clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
