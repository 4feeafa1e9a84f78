# rustkernels: graph, risk and other kernels inside PostgreSQL
#
#   make, make install        build and install the extension (PG_CONFIG=... for another server)
#   make installcheck         pg_regress against a running server
#   make check-unit           plain C tests under AddressSanitizer and UBSan (UNIT=test_csr for one)

EXTENSION = rustkernels
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" rustkernels.control)
MODULE_big = rustkernels

KERNEL_SOURCES = $(wildcard src/compute/*.c src/graph/*.c)
PLAIN_SOURCES = $(filter-out %/binding.c,$(KERNEL_SOURCES))
OBJS = $(patsubst %.c,%.o,$(KERNEL_SOURCES) $(wildcard src/*.c src/relation/*.c src/call/*.c))

UNIT_CFLAGS = -std=gnu11 -O1 -g -Wall -Wextra -Werror -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
UNITS = $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c))
UNIT_OBJS = $(patsubst src/%.c,build/unit/%.o,$(PLAIN_SOURCES))

build/unit/%.o: src/%.c $(wildcard src/compute/*.h src/graph/*.h)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c $< -o $@

build/unit/test_%: test/unit/test_%.c test/unit/support.h $(UNIT_OBJS)
	$(CC) $(UNIT_CFLAGS) $< $(UNIT_OBJS) -lcmocka -lm -lpthread -o $@

check-unit: $(patsubst %,build/unit/%,$(or $(UNIT),$(UNITS)))
	@test/unit/run $^
.PHONY: check-unit

.SECONDARY:
