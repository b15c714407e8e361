# SPDX-License-Identifier: ISC
# A thin front for Meson. A line that begins with a target and ends in "## text" is its help.

BUILD ?= build
TTL ?= 10m
FUZZ_SECONDS ?= 60
BENCH_ROUNDS ?= 40
SEEDS ?= 100000
KILLS ?= 500
prefix ?= /usr/local
DESTDIR ?=
MESON_ARGS ?=

.DEFAULT_GOAL := all
.PHONY: all demo demo-stop check check-xen check-openstack style sim bench powerloss torture fuzz grub-arm install clean help

all: $(BUILD)/build.ninja ## build every program into build/bin/ (installs missing packages through apt)
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	scripts/install-deps build
	meson setup $(BUILD) --prefix $(prefix) -Dtests=false $(MESON_ARGS)

demo: ## build, deploy hello on this machine, show its site, page and badge; TTL=10m is how long it may live
	scripts/install-deps build run
	$(MAKE) all
	BUILD=$(BUILD) scripts/demo start $(TTL)

demo-stop: ## end the demo before its deadline
	BUILD=$(BUILD) scripts/demo stop

check: ## run the tests, with sanitizers; ends in one table and the totals (SUITES="unit e2e" for some, "peers" for the judges of others)
	scripts/install-deps build run test
	scripts/check $(SUITES)

check-xen: ## kernels for Xen and for Solo5 in their carriers, under QEMU: here, and in clouds that are not Xen's (fetches 110 MB of packages once)
	scripts/install-deps build run test
	scripts/check xen

check-openstack: all ## bring up a real OpenStack of Debian's packages, test against it, bring it down (OPENSTACK="--help" for more)
	scripts/install-deps run openstack
	MIRAGE_BIN=$(abspath $(BUILD))/bin tests/openstack/check.py $(OPENSTACK)

style: ## formatter, banned functions, sizes, layers, headers, scripts, man pages
	scripts/install-deps build test
	tests/style/style.py

sim: $(BUILD)/build.ninja ## the lease machine against simulated clouds, SEEDS=100000 of each rate; docs/PROMISE.md
	ninja -C $(BUILD) tests/sim/sim
	$(BUILD)/tests/sim/sim --seeds $(SEEDS)
	$(BUILD)/tests/sim/sim --hard --seeds $(SEEDS)

bench: all ## measure against peers, in ratios; no verdict on a busy machine (BENCH_PEERS=1 installs the peers)
	scripts/install-deps run bench $(if $(BENCH_PEERS),peers)
	ninja -C $(BUILD) tests/scale/scale tests/image/image_convert images/volume-maker \
		$(if $(wildcard $(BUILD)/images/carrier/init/init),tests/carrier/solo5-stand-in) \
		$(if $(wildcard $(BUILD)/tests/ec2),tests/ec2/upload_cost tests/ec2/call_cost) \
		$(if $(wildcard $(BUILD)/tests/openstack),tests/openstack/upload_cost)
	BUILD=$(BUILD) BENCH_ROUNDS=$(BENCH_ROUNDS) tests/bench/bench.py

torture: all ## kill the real daemon at every fault point, then KILLS=500 times at random (TORTURE="--help" for more)
	scripts/install-deps run
	ninja -C $(BUILD) tests/libmeddle.so
	MIRAGE_BIN=$(abspath $(BUILD))/bin PYTHONPATH=tests/lib tests/torture/torture.py --kills $(KILLS) $(TORTURE)

powerloss: $(BUILD)/build.ninja ## the store: power lost at every moment of 200 leases, failing disks, flipped bits (POWERLOSS="--seed 2")
	ninja -C $(BUILD) tests/powerloss/powerloss
	$(BUILD)/tests/powerloss/powerloss --leases 200 --every 1 --flips 5000 --every-bit 2 --failures 400 --after 8 $(POWERLOSS)

fuzz: ## run every libFuzzer target, FUZZ_SECONDS=60 each
	scripts/install-deps build test
	scripts/fuzz $(FUZZ_SECONDS)

grub-arm: $(BUILD)/build.ninja ## fetch GRUB's modules for arm64, installing nothing, and build the boot loader for it
	scripts/unpack-deb --arch arm64 build-grub grub-efi-arm64-bin
	meson setup --reconfigure $(BUILD)
	ninja -C $(BUILD) images/grub/bootaa64.efi

install: all ## install under DESTDIR and prefix (/usr/local)
	meson configure $(BUILD) -Dprefix=$(prefix)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

clean: ## remove what was built (never the state of a running daemon)
	rm -rf build build-check build-clang build-tsan build-fuzz build-grub build-kernels

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 19
