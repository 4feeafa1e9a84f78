# rustkernels: graph, risk and other kernels inside PostgreSQL
#
#   make, make install        build and install the extension (PG_CONFIG=... for another server)
#   make installcheck         regression tests against a running server
#   make check-unit           plain C tests under AddressSanitizer and UBSan (UNIT=test_csr for one)
#   make check-thread        the ring's queue under ThreadSanitizer
#   make cuda, install-cuda   the kernels for CUDA devices, with nvcc (docs/how-to/devices.md)
#   make cuda-check           them against the CPU, on a device (SCALE=100 for times)
#   make cuda-host-check      the same without one: their threads run on the CPU
#   make fake-device          the device libraries that the server's tests use
#   make bench                ours beside the best native libraries, as ratios
#   make docs                 docs/reference/*.md from the descriptors
#   make fuzz                 fuzz targets (clang), FUZZ_SECONDS each

EXTENSION = rustkernels
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" rustkernels.control)
MODULE_big = rustkernels
DATA_built = rustkernels--$(EXTVERSION).sql

# A room is a folder of kernels with descriptors.c and binding.c.  Algorithms
# and descriptors are plain C; bindings and the rest know PostgreSQL.
ROOMS = $(patsubst %/descriptors.c,%,$(wildcard src/*/descriptors.c src/*/*/descriptors.c))
DESCRIPTORS = src/call/rooms.c $(wildcard src/*/relations.c) $(ROOMS:%=%/descriptors.c)
RING_PLAIN = src/ring/queue.c src/ring/messages.c src/ring/actors.c src/ring/names.c src/ring/keys.c
# what actors do with a message, for devices
RING_HEADERS = $(wildcard cuda/rk_window.h cuda/rk_team.h cuda/ring_steps.h cuda/rings.def src/core/*.h) src/compute/status.h \
	$(addprefix src/graph/centrality/,pagerank_step.h dynamic_change.h live_state.h graph_payloads.h dangling.h) \
	$(addprefix src/compliance/monitoring/,engine_step.h monitoring_step.h monitoring_payload.h) src/compute/decimal_type.h src/ring/keys_state.h
MESSAGES = src/ring/messages.c $(wildcard src/core/messages.c $(ROOMS:%=%/messages.c))
PLAIN_SOURCES = $(wildcard src/compute/*.c src/core/*.c) $(RING_PLAIN) src/call/rooms.c $(wildcard src/*/relations.c) \
	$(foreach r,$(ROOMS),$(filter-out %/binding.c %/relations.c,$(wildcard $(r)/*.c)))
SERVER_SOURCES = $(wildcard src/*.c src/relation/*.c src/device/*.c) $(filter-out $(RING_PLAIN),$(wildcard src/ring/*.c)) $(filter-out src/call/rooms.c,$(wildcard src/call/*.c)) \
	$(ROOMS:%=%/binding.c)
OBJS = $(patsubst %.c,%.o,$(PLAIN_SOURCES) $(SERVER_SOURCES))

WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-declaration-after-statement
# functions of the library are its own, whatever another library calls its: then calls are direct, and inlined
PG_CFLAGS = -std=gnu11 -fno-semantic-interposition $(WARNINGS) -DRK_VERSION='"$(EXTVERSION)"'
# OpenBLAS brings LAPACK.  The serial build: threads of its own have no place in
# a server process.
BLAS_LIBS = $(shell pkg-config --libs openblas)
# ICU, for names.  ICU_LIBS is what the server was built with, which may be nothing.
NAME_LIBS = $(shell pkg-config --libs icu-i18n icu-uc)
SHLIB_LINK += -Wl,-Bsymbolic-functions $(BLAS_LIBS) $(NAME_LIBS) -lm -lpthread

REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=rustkernels
EXTRA_CLEAN = build $(OBJS:.o=.d) test/support/rustkernels_fake.so test/support/rustkernels_on_host.so

# no bitcode: nothing here is inlined into queries
override with_llvm = no
PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# the loops are in the plain part
$(patsubst %.c,%.o,$(PLAIN_SOURCES)): override CFLAGS += -O3

# the same bits whether or not the machine multiplies and adds in one step
src/compute/philox.o src/compute/normal.o src/risk/portfolio/ring_book.o src/temporal/rolling.o src/temporal/anomaly_ring.o \
src/temporal/volatility_ring.o: override CFLAGS += -ffp-contract=off -fno-math-errno

# which headers a file includes, from the compiler
$(OBJS): override CPPFLAGS += -MMD -MP
-include $(OBJS:.o=.d)

# ---- what follows from the descriptors ----

build/describe: tools/describe.c src/call/descriptor.h src/call/rooms.def $(wildcard src/*/relations.h) $(DESCRIPTORS) \
	src/ring/message.h src/ring/messages.def $(MESSAGES)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARNINGS) tools/describe.c $(DESCRIPTORS) $(MESSAGES) -o $@

rustkernels--$(EXTVERSION).sql: build/describe $(wildcard sql/*.sql) rustkernels.control
	{ printf '%s\n\n' '\echo Use "CREATE EXTENSION rustkernels" to load this file. \quit'; \
	  sed 's/@EXTVERSION@/$(EXTVERSION)/g' $(sort $(wildcard sql/*.sql)); \
	  build/describe sql; } > $@

# ---- the device worker, a program beside the library ----

DEVICE_WORKER = build/rustkernels_device
all: $(DEVICE_WORKER)

$(DEVICE_WORKER): $(wildcard src/device/worker/*.[ch]) src/device/wire.h cuda/rk_cuda.h cuda/rk_window.h cuda/kernels.def cuda/rings.def
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) $(COPT) $(filter %.c,$^) -o $@ -ldl -lpthread

install: install-device
install-device: $(DEVICE_WORKER) installdirs
	$(INSTALL_PROGRAM) $(DEVICE_WORKER) '$(DESTDIR)$(pkglibdir)/rustkernels_device'
uninstall: uninstall-device
uninstall-device:
	rm -f '$(DESTDIR)$(pkglibdir)/rustkernels_device'
.PHONY: install-device uninstall-device

DOMAINS = $(sort $(foreach r,$(ROOMS),$(word 2,$(subst /, ,$(r)))))

build/reference: tools/reference.c src/call/descriptor.h src/call/rooms.def $(wildcard src/*/relations.h) $(DESCRIPTORS) \
	src/ring/message.h src/ring/messages.def $(MESSAGES)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(WARNINGS) tools/reference.c $(DESCRIPTORS) $(MESSAGES) -o $@

# REFERENCE=DIR writes them elsewhere: a test compares
REFERENCE = docs/reference

docs: build/reference
	@mkdir -p $(REFERENCE)
	build/reference index > $(REFERENCE)/README.md
	build/reference messages > $(REFERENCE)/rings.md
	for d in $(DOMAINS); do build/reference page $$d > $(REFERENCE)/$$d.md || exit 1; done
.PHONY: docs

# ---- tests without a server ----

UNIT_CFLAGS = -std=gnu11 -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
UNITS = $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c))
UNIT_OBJS = $(patsubst src/%.c,build/unit/%.o,$(PLAIN_SOURCES))

build/unit/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -MMD -MP -c $< -o $@

-include $(UNIT_OBJS:.o=.d)

# a test takes what it needs from it
build/unit/plain.a: $(UNIT_OBJS)
	rm -f $@
	$(AR) rcs $@ $^

build/unit/test_%: test/unit/test_%.c $(wildcard test/unit/*.h) build/unit/plain.a
	$(CC) $(UNIT_CFLAGS) $< build/unit/plain.a $(BLAS_LIBS) $(NAME_LIBS) -lcmocka -lm -lpthread -o $@

# the queue between processes, by the detector of data races
build/thread/test_ring_queue: test/unit/test_ring_queue.c test/unit/support.h src/ring/queue.c src/ring/queue.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Wno-tsan -fsanitize=thread $(filter %.c,$^) -lcmocka -lm -lpthread -o $@

# and the window between the host of a ring and a device
WINDOW_TEST = test/stress/window.c src/device/worker/rings.c src/device/worker/worker.h src/device/wire.h $(RING_HEADERS)
build/thread/window: $(WINDOW_TEST)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -Wall -Wextra -Wno-missing-field-initializers -Wno-tsan -fsanitize=thread -DSLEEP_SECONDS=100000 $(filter %.c,$^) -lpthread -o $@

check-thread: build/thread/test_ring_queue build/thread/window
	@test/unit/run $<
	build/thread/window 40
.PHONY: check-thread

# processes that send, one that receives and is killed
STRESS = 20000
build/stress/ring_queue: test/stress/ring_queue.c src/ring/queue.c src/ring/queue.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror $(filter %.c,$^) -o $@

build/stress/window: $(WINDOW_TEST)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Wno-missing-field-initializers -Werror -DSLEEP_SECONDS=100000 $(filter %.c,$^) -lpthread -o $@

check-stress: build/stress/ring_queue build/stress/window
	$< $(STRESS)
	build/stress/window
.PHONY: check-stress

check-model:
	@test/model/run
.PHONY: check-model

check-unit: $(patsubst %,build/unit/%,$(or $(UNIT),$(UNITS)))
	@test/unit/run $^
.PHONY: check-unit

# ---- devices ----

# a device library over the CPU engine with faults on demand, for test/t/device.pl;
# it lies where the server's tests find their files
FAKE_DEVICE = test/support/rustkernels_fake.so

$(FAKE_DEVICE): test/device/fake.c cuda/rk_cuda.h cuda/kernels.def $(RING_HEADERS) $(patsubst %.c,%.o,$(PLAIN_SOURCES))
	$(CC) -std=gnu11 -O2 $(WARNINGS) $(COPT) -fPIC -shared -Wl,-Bsymbolic $(filter %.c %.o,$^) -o $@ $(BLAS_LIBS) $(NAME_LIBS) -lm -lpthread

# and the kernels for CUDA on the CPU, for the same test
SERVED_DEVICE = test/support/rustkernels_on_host.so

$(SERVED_DEVICE): build/cuda/on_host.so
	cp $< $@

fake-device: $(FAKE_DEVICE) $(SERVED_DEVICE)
.PHONY: fake-device

# The kernels for CUDA devices: not a part of "all", as nothing needs them.
NVCC ?= $(firstword $(shell command -v nvcc) /usr/local/cuda/bin/nvcc)
NVCC_TARGETS = --generate-code arch=compute_80,code=sm_80 --generate-code arch=compute_90,code=[sm_90,compute_90]
NVCC_FLAGS = -std=c++17 -O3 -lineinfo -Xcompiler -fPIC,-Wall,-Wextra,-Werror -Werror all-warnings
CUDA_SOURCES = $(wildcard cuda/*.cu)
CUDA_HEADERS = $(wildcard cuda/*.cuh cuda/*.h cuda/*.def) $(CUDA_SHARED:%=src/%) $(RING_HEADERS)
# what both sides are compiled from
CUDA_SHARED = compute/both.h graph/community/louvain_levels.h graph/community/louvain_turns.h compute/gamma_quantile.h compute/minimize_steps.h compute/normal.h compute/philox.h compute/random.h \
	compute/sobol_point.h graph/centrality/sampling_steps.h temporal/garch_model.h \
	temporal/forecast/arima_model.h temporal/forecast/arma_steps.h graph/neural/activation_steps.h graph/neural/choices.h \
	graph/similarity/scores.h risk/stress/stress_pnl.h compute/decimal_type.h
CUDA_LIBRARY = build/cuda/rustkernels_cuda.so

# without contraction of products and sums, as the CPU's code: normal numbers, samples of
# paths, similarities, gains of moves and what a ring does have its bits
CUDA_UNCONTRACTED = louvain monte_carlo path_samples ring similar_pairs similarity

$(CUDA_UNCONTRACTED:%=build/cuda/%.o): NVCC_FLAGS += -fmad=false

build/cuda/%.o: cuda/%.cu $(CUDA_HEADERS)
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_FLAGS) $(NVCC_TARGETS) -c $< -o $@

# the CUDA runtime is linked in, so that the driver is all that is needed
$(CUDA_LIBRARY): $(CUDA_SOURCES:cuda/%.cu=build/cuda/%.o)
	$(NVCC) $(NVCC_TARGETS) -shared -cudart static $^ -o $@

# cuSPARSE on the same inputs, for the harness
CUDA_PEERS = build/cuda/peers.so

$(CUDA_PEERS): cuda/harness/peers.cu cuda/harness/peers.h
	@mkdir -p $(@D)
	$(NVCC) $(NVCC_FLAGS) $(NVCC_TARGETS) -shared $< -o $@ -lcusparse

cuda: $(CUDA_LIBRARY) $(CUDA_PEERS)

install-cuda: $(CUDA_LIBRARY) installdirs
	$(INSTALL_SHLIB) $(CUDA_LIBRARY) '$(DESTDIR)$(pkglibdir)/rustkernels_cuda$(DLSUFFIX)'

# the same kernels on the CPU, thread by thread: for tests without a device
HOST_LIBRARY = build/cuda/on_host.so

HOST_OBJS = $(CUDA_SOURCES:cuda/%.cu=build/cuda/host/%.o) build/cuda/host/cuda_on_host.o
# products and sums are contracted where nvcc does it, if the CPU can
HOST_CONTRACT := $(shell grep -qw fma /proc/cpuinfo 2>/dev/null && echo -mfma) -ffp-contract=fast
HOST_CXX = $(CXX) -std=c++17 -O2 -g -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-parameter $(HOST_CONTRACT) -fPIC \
	-DRK_CUDA_ON_HOST -x c++

$(CUDA_UNCONTRACTED:%=build/cuda/host/%.o): HOST_CONTRACT = -ffp-contract=off

build/cuda/host/%.o: cuda/%.cu cuda/host/cuda_on_host.h $(CUDA_HEADERS)
	@mkdir -p $(@D)
	$(HOST_CXX) -c $< -o $@

build/cuda/host/%.o: cuda/host/%.cpp cuda/host/cuda_on_host.h
	@mkdir -p $(@D)
	$(HOST_CXX) -c $< -o $@

$(HOST_LIBRARY): $(HOST_OBJS)
	$(CXX) -shared $^ -o $@

HARNESS = build/cuda/harness

$(HARNESS): $(wildcard cuda/harness/*.[ch]) cuda/rk_cuda.h cuda/kernels.def $(RING_HEADERS) $(patsubst %.c,%.o,$(PLAIN_SOURCES))
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror $(filter %.c %.o,$^) -o $@ $(BLAS_LIBS) $(NAME_LIBS) -lm -lpthread -ldl

# SCALE=100 for times on a device
SCALE ?= 1
cuda-check: cuda $(HARNESS)
	$(HARNESS) $(CUDA_LIBRARY) $(SCALE)

# the result must not depend on the order in which threads take their turns
cuda-host-library: $(HOST_LIBRARY) $(HARNESS)
cuda-host-check: cuda-host-library
	for order in forward backward shuffled; do RK_ON_HOST_ORDER=$$order $(HARNESS) $(HOST_LIBRARY) $(SCALE) || exit 1; done

# cuda/harness/run itself, with few kernels at small sizes
cuda-host-rehearsal: cuda-host-library
	RK_CUDA_LIBRARY=$(HOST_LIBRARY) RK_HARNESS_SCALE=6 RK_HARNESS_STEPS="results figures times" RK_HARNESS_KERNELS="components bfs" \
		cuda/harness/run build/cuda/rehearsal
.PHONY: cuda install-cuda cuda-check cuda-host-library cuda-host-check cuda-host-rehearsal

# ---- fuzzing ----

FUZZ_SECONDS ?= 60
FUZZERS = $(patsubst test/fuzz/%.c,%,$(wildcard test/fuzz/fuzz_*.c))
FUZZ_CFLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined

build/fuzz/fuzz_%: test/fuzz/fuzz_%.c $(wildcard src/compute/*.[ch])
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) $< $(wildcard src/compute/*.c) $(BLAS_LIBS) -lm -lpthread -o $@

fuzz: $(FUZZERS:%=build/fuzz/%)
	@test/fuzz/run $(FUZZ_SECONDS) $^
.PHONY: fuzz

.SECONDARY:

bench: install
	test/bench/run
.PHONY: bench
