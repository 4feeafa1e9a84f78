# rustkernels: graph, risk and other kernels inside PostgreSQL
#
#   make, make install        build and install the extension (PG_CONFIG=... for another server)
#   make installcheck         regression tests against a running server
#   make check-unit           plain C tests under AddressSanitizer and UBSan (UNIT=test_csr for one)
#   make bench                ours beside the best native libraries, as ratios
#   make docs                 docs/reference/*.md from the descriptors
#   make fuzz                 fuzz targets (clang), FUZZ_SECONDS each

EXTENSION = rustkernels
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" rustkernels.control)
MODULE_big = rustkernels
DATA_built = rustkernels--$(EXTVERSION).sql

# Algorithms and descriptors are plain C; the rest knows PostgreSQL.
DOMAINS = graph
PLAIN_SOURCES = $(wildcard src/compute/*.c) src/call/domains.c \
	$(foreach d,$(DOMAINS),$(filter-out %/binding.c,$(wildcard src/$(d)/*.c)))
SERVER_SOURCES = $(wildcard src/*.c src/relation/*.c) $(filter-out src/call/domains.c,$(wildcard src/call/*.c)) \
	$(foreach d,$(DOMAINS),src/$(d)/binding.c)
HEADERS = $(wildcard src/*.h src/*/*.h)
OBJS = $(patsubst %.c,%.o,$(PLAIN_SOURCES) $(SERVER_SOURCES))

WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-declaration-after-statement
PG_CFLAGS = -std=gnu11 $(WARNINGS) -DRK_VERSION='"$(EXTVERSION)"'
SHLIB_LINK += -lm -lpthread

REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=rustkernels
EXTRA_CLEAN = build

# no bitcode: nothing here is inlined into queries
override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# the loops are in the plain part
$(patsubst %.c,%.o,$(PLAIN_SOURCES)): override CFLAGS += -O3

$(OBJS): $(HEADERS)

# ---- what follows from the descriptors ----

DESCRIPTORS = src/call/domains.c $(foreach d,$(DOMAINS),src/$(d)/descriptors.c)

build/describe: tools/describe.c src/call/descriptor.h $(DESCRIPTORS)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARNINGS) tools/describe.c $(DESCRIPTORS) -o $@

rustkernels--$(EXTVERSION).sql: build/describe $(wildcard sql/*.sql) rustkernels.control
	{ printf '%s\n\n' '\echo Use "CREATE EXTENSION rustkernels" to load this file. \quit'; \
	  sed 's/@EXTVERSION@/$(EXTVERSION)/g' $(sort $(wildcard sql/*.sql)); \
	  build/describe sql; } > $@

docs: build/describe
	@mkdir -p docs/reference
	@for d in $(DOMAINS); do \
	  { cat docs/reference/$$d.intro 2>/dev/null || echo "# Kernels of the domain $$d"; echo; \
	    build/describe docs $$d; } > docs/reference/$$d.md; done
.PHONY: docs

# ---- tests without a server ----

UNIT_CFLAGS = -std=gnu11 -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
UNITS = $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c))
UNIT_OBJS = $(patsubst src/%.c,build/unit/%.o,$(PLAIN_SOURCES))

build/unit/%.o: src/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c $< -o $@

build/unit/test_%: test/unit/test_%.c test/unit/support.h $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) $< $(UNIT_OBJS) -lcmocka -lm -lpthread -o $@

check-unit: $(patsubst %,build/unit/%,$(or $(UNIT),$(UNITS)))
	@test/unit/run $^
.PHONY: check-unit

.SECONDARY:

bench: install
	test/bench/run
.PHONY: bench
