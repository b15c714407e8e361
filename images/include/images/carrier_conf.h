/* SPDX-License-Identifier: ISC */
/*
 * What a carrier is told of the kernel that it carries: the text of /carrier.conf, which its first
 * process reads (images/carrier/init/conf.h has the format), and how much memory a machine needs
 * for it. Pure; any thread.
 */
#ifndef IMAGES_CARRIER_CONF_H
#define IMAGES_CARRIER_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "api/buf.h"
#include "api/error.h"
#include "api/kernel.h"

#define IMG_CARRIER_CONF_MAX ((size_t)16 << 10)
#define IMG_CARRIER_OPEN_MAX 16

enum img_carrier_net {
    IMG_CARRIER_AUTO,   /* as the guest shows by what it says first: its address, or DHCP */
    IMG_CARRIER_NO_NET, /* it has none */
};

/* Texts are borrowed; NULL or "": not said. */
struct img_carrier_conf {
    enum mir_format format; /* of the kernel */
    enum img_carrier_net net;
    uint64_t memory_bytes; /* of the guest; rounded down to whole MiB, at least one */
    const char *name;
    const char *device; /* Solo5: its network device's name */
    unsigned open_count;
    uint16_t open[IMG_CARRIER_OPEN_MAX]; /* TCP ports that may be reached */
    int64_t deadline_s;                  /* Unix seconds; 0: none */
    uint16_t answer; /* one of the ports, where the carrier answers for its guest; 0: it does not */
    int64_t answer_deadline_s; /* that it states; 0: none */
    const char *arguments;     /* of the kernel */
    const char *announce, *token, *url, *digest;
};

/* Appended to out. MIR_USAGE for a kernel that no carrier starts, and for texts with line ends. */
int img_carrier_conf_write(const struct img_carrier_conf *conf, struct mir_buf *out,
                           struct mir_error *err);

/* Of this shape, with a kernel of that many bytes (unpacked) and a guest of so much memory: what
 * its Linux is given (xen; 0 of the others, where it has all that the guest does not), and what the
 * machine has to have at the least. */
uint64_t img_carrier_dom0_bytes(enum mir_carrier shape, uint64_t kernel_bytes);
uint64_t img_carrier_machine_bytes(enum mir_carrier shape, uint64_t kernel_bytes,
                                   uint64_t guest_bytes);

/* What a guest is given when nobody says: as much as the kernel asks for and 64 MiB at the least.
 */
uint64_t img_carrier_guest_bytes(const struct mir_kernel *kernel);

/* How a kernel may be carried. */
enum img_carrier_wish {
    IMG_CARRIER_AUTOMATIC, /* where it starts by one and not as it is */
    IMG_CARRIER_NEVER,
    IMG_CARRIER_ALWAYS, /* wherever the table names one, also where it could not as things stand */
};

const char *img_carrier_wish_name(enum img_carrier_wish wish); /* auto never always */
int img_carrier_wish_by_name(const char *name);                /* -1: no such one */

/* Which shape a family of the provider takes; family "": the first that takes one. */
enum mir_carrier img_carrier_shape(const struct mir_kernel *kernel, const char *provider,
                                   const char *family);

/* A carried kernel is another thing to a provider: a raw disk that starts by BIOS and UEFI, without
 * a manifest, which powers itself off at the deadline, and boots on those families where the table
 * names a carrier. *ret is that. False: no family of the provider is one of these, or (by the wish)
 * none is to be used. Digest and sizes stay those of the kernel. */
bool img_carrier_view(const struct mir_kernel *kernel, const char *provider,
                      enum img_carrier_wish wish, struct mir_kernel *ret);

#endif
