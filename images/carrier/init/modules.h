/* SPDX-License-Identifier: ISC */
/*
 * Which kernel modules a carrier has in /k, as NAME.ko, and when each is loaded: one table, which
 * the maker of the base reads to know what to put there, and the first process to know what to
 * load. Pure, but for modules_load.c.
 */
#ifndef CAR_MODULES_H
#define CAR_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits: in which image, and when. A row is loaded when its image and one of its reasons fit. */
enum car_module_when {
    CAR_IN_XEN = 1 << 0,   /* the image whose Linux is Xen's dom0 (linux-image-amd64) */
    CAR_IN_LINUX = 1 << 1, /* the image whose Linux runs the tender (linux-image-cloud-amd64) */
    CAR_ALWAYS = 1 << 2,
    CAR_WITH_PCI = 1 << 3,    /* one of the row's devices is there */
    CAR_WITH_NET = 1 << 4,    /* the guest has a network */
    CAR_WITH_BLOCKS = 1 << 5, /* the guest has disks */
    CAR_ON_XEN = 1 << 6,      /* Linux is a guest of Xen */
    CAR_FOR_STORE = 1 << 7,   /* before the store starts */
    CAR_WITH_VMX = 1 << 8,    /* the processor can virtualise, in Intel's way */
    CAR_WITH_SVM = 1 << 9,    /* in AMD's */
    CAR_IS_CARD = 1 << 10,    /* a network card that is not on the PCI bus */
    CAR_IS_DISK = 1 << 11,    /* of the disk that the machine started from */
};

/* A row has numbers of devices, or (vendor and device 0) classes. */
struct car_pci_id {
    uint16_t vendor;
    uint16_t device;
    uint32_t class; /* 24 bits */
};

#define CAR_MODULES_IN_ROW 9
#define CAR_IDS_IN_ROW 12

struct car_module_row {
    unsigned when;
    const char *modules[CAR_MODULES_IN_ROW]; /* in the order of loading; ends with NULL */
    struct car_pci_id ids[CAR_IDS_IN_ROW];   /* ends with zeros */
};

extern const struct car_module_row car_modules[];
extern const size_t car_modules_n;

/* What is known of the machine and wanted for the guest. */
struct car_module_facts {
    unsigned image; /* CAR_IN_XEN or CAR_IN_LINUX */
    bool net;
    bool blocks;
    bool on_xen;
    bool vmx;
    bool svm;
    const struct car_pci_id *ids; /* borrowed */
    size_t ids_n;
};

/*
 * When in the course of a start: the cards first, as a link takes seconds to come up; then what the
 * store needs, and while it starts the rest.
 */
enum car_module_turn { CAR_TURN_CARDS, CAR_TURN_STORE, CAR_TURN_REST };

/* Is the row to be loaded in this turn? Each row has exactly one. */
bool car_module_wanted(const struct car_module_row *row, const struct car_module_facts *facts,
                       enum car_module_turn turn);

#define CAR_PCI_MAX 128 /* devices that are looked at */

/* The devices on the machine's PCI bus, their number; 0 without a bus. */
size_t car_pci_list(struct car_pci_id ret[CAR_PCI_MAX]);

/*
 * Loads what is wanted. What is not in /k, or is refused, is said on the console and is no error: a
 * device that is missing then shows where it is used.
 */
void car_modules_load(const struct car_module_facts *facts, enum car_module_turn turn);

#endif
