/* SPDX-License-Identifier: ISC */
/*
 * What an instance ought to be as a machine: read from its document, from its volumes and from its
 * security groups, as plain values that need no lock afterwards.
 */
#ifndef FAKECLOUD_GUEST_WANT_H
#define FAKECLOUD_GUEST_WANT_H

#include "world.h"

#define FC_GUEST_DISKS 4  /* as many as IDE has */
#define FC_GUEST_PORTS 16 /* of one instance */
#define FC_GUEST_ID 64
#define FC_GUEST_WORDS 2048 /* of a kernel's command line */

struct fc_guest_disk {
    char volume[FC_GUEST_ID]; /* "" none */
    int64_t gib;              /* 0: as large as what it begins with */
    bool qcow2;               /* its bytes are of that format */
    int snapshot_fd;          /* what it begins with; owned; -1: nothing, or it is made already */
};

struct fc_guest_want {
    const char *kind; /* of the object that it is: "instance", "os-server"; static */
    char instance[FC_GUEST_ID];
    char region[32];
    bool on; /* running; else its volumes are there, and no machine is */
    bool nvme, uefi;
    bool virtualises;    /* its processor makes virtual machines itself */
    const char *why_not; /* no machine here can be it; NULL: one can. Static */
    unsigned memory_mib;
    int64_t now_s;                  /* the fake's time, which the machine's clock begins with */
    char address[48];               /* where the world reaches it; "" nowhere */
    uint16_t ports[FC_GUEST_PORTS]; /* TCP, those that its groups open for IPv4, each once */
    size_t port_count;
    struct fc_guest_disk disks[FC_GUEST_DISKS]; /* the root first */
    size_t disk_count;
    const char *bus, *card, *machine; /* QEMU's names; NULL: as EC2's; static */
    char mac[24];                     /* "" QEMU's own */
    /* What DHCP says inside; "" QEMU's own, 10.0.2.15. */
    char subnet[24], gateway[16], fixed[16], dns[16];
    struct fc_guest_disk kernel, ramdisk; /* booted directly: files beside the disks */
    char words[FC_GUEST_WORDS];           /* of the kernel's command line */
};

struct fc_guest_wants {
    struct fc_guest_want *rows; /* owned */
    size_t count;
    char (*volumes)[FC_GUEST_ID]; /* owned: all volumes that exist */
    size_t volume_count;
};

/* For those who read them from the world: one more, with nothing in it; a volume that exists. */
struct fc_guest_want *fc_guest_wants_add(struct fc_guest_wants *wants);
void fc_guest_wants_volume(struct fc_guest_wants *wants, const char *name);
/* TCP ports `from` to `to` are open; of a wide range those that are usual. */
void fc_guest_want_ports(struct fc_guest_want *want, int64_t from, int64_t to);

/* All of them; under the world's lock, and quickly. */
void fc_guest_wants_read(const struct fc_world *world, struct fc_guest_wants *ret);
void fc_guest_wants_clear(struct fc_guest_wants *wants);

/* NULL: it is none any more. */
const struct fc_guest_want *fc_guest_want_of(const struct fc_guest_wants *wants,
                                             const char *instance);

#endif
