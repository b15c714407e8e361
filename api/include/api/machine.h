/* SPDX-License-Identifier: ISC */
/*
 * The noun "machine": what a kernel or a disk meets when it starts, by firmware, disk bus and
 * network card. In a request each part may be left to the provider; in a plan it is decided.
 *
 * Plain values; pure functions, any thread. JSON form: {"firmware":"uefi","disk":"nvme",
 * "nic":"virtio"}, where a part that is absent is the provider's choice, or (the disk of a kernel
 * that is loaded without one) not there.
 */
#ifndef API_MACHINE_H
#define API_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

enum mir_card {
    MIR_CARD_ANY, /* as the provider likes */
    MIR_CARD_VIRTIO,
    MIR_CARD_E1000,
    MIR_CARD_E1000E,
    MIR_CARD_NONE,
    MIR_CARD_COUNT
};

/* Of the firmwares and buses of api/kernel.h: those that can be chosen stand before these. */
#define MIR_MACHINE_FIRMWARES (MIR_FIRMWARE_UEFI + 1)
#define MIR_MACHINE_BUSES (MIR_BUS_NVME + 1)

/* NONE, and ANY: as the provider likes. */
struct mir_machine {
    enum mir_firmware firmware;
    enum mir_bus disk;
    enum mir_card nic;
};

/* The least memory that UEFI firmware and a boot loader need: seen, OVMF 2022.11 and GRUB start a
 * small kernel in 64 MiB. */
#define MIR_UEFI_MEMORY ((uint64_t)64 << 20)

const char *mir_card_name(enum mir_card card); /* "" for ANY */

/* Is it a disk with a boot loader of its own, and not a kernel that is loaded without one? */
bool mir_kernel_is_disk(const struct mir_kernel *kernel);

/* Decides what was left open, and refuses what cannot be (MIR_POLICY with the reason and the fix).
 * how: the way the kernel is started (mir_boots.how). The same again for what it has decided. */
int mir_machine_choose(const struct mir_machine *asked, const struct mir_kernel *kernel,
                       const char *how, struct mir_machine *ret, struct mir_error *err);

/* The least memory of this kernel on this machine. */
uint64_t mir_machine_memory(const struct mir_machine *machine, const struct mir_kernel *kernel);

/* New reference; without the parts that are open. */
json_t *mir_machine_to_json(const struct mir_machine *machine);
/* Absent, null and absent parts: open. MIR_USAGE naming what there is. */
int mir_machine_from_json(const json_t *json, struct mir_machine *ret, struct mir_error *err);

#endif
