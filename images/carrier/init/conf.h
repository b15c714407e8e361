/* SPDX-License-Identifier: ISC */
/*
 * /carrier.conf: everything in which one deployment differs from another. Pure: text in, a struct
 * or one line of what is wrong out.
 *
 * Lines of "key value", ASCII (bytes above 0x7f in `name` and `arguments` alone), ended by a line
 * feed, in any order; empty lines are passed over. A key that is unknown, twice there (but for
 * `open` and `block`) or without a good value is an error: a carrier that guesses runs something
 * that nobody asked for, and costs until somebody looks.
 *
 *     kind xen-pv | xen-pvh | solo5       required
 *     memory MIB                          required; of the guest
 *     net auto | nat | direct | none      required; auto: as the guest shows by what it says first
 *     name NAME                           of the site
 *     address A.B.C.D                     of a guest that never says its own (NAT)
 *     device NAME                         Solo5's network device; "service"
 *     open 80/tcp                         a port that may be reached (NAT)
 *     imds yes                            the guest may talk to the cloud's metadata service
 *     deadline EPOCH                      power off then; 0: none
 *     ttl SECONDS                         power off so long after the start; 0: none
 *     arguments REST OF LINE              for the guest, byte for byte
 *     block NAME                          a disk of the guest: see disks.h
 *     answer PORT EPOCH                   /.well-known/unikernel of the guest, at an open TCP port
 *                                         of it, with that deadline (0: null) and the token (NAT)
 *     announce URL, token TEXT, url TEXT, digest HEX
 */
#ifndef CAR_CONF_H
#define CAR_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disks.h"

#define CAR_CONF_PATH "/carrier.conf"
#define CAR_CONF_BYTES_MAX (64 * 1024)
#define CAR_ARGUMENTS_MAX 4096
#define CAR_OPEN_MAX 32
#define CAR_WHY_MAX 200 /* what is wrong, in one line */

enum car_kind { CAR_KIND_NONE, CAR_XEN_PV, CAR_XEN_PVH, CAR_SOLO5 };
enum car_net_kind {
    CAR_NET_KIND_UNSET,
    CAR_NET_KIND_AUTO,
    CAR_NET_KIND_NONE,
    CAR_NET_KIND_NAT,
    CAR_NET_KIND_DIRECT
};

struct car_open {
    uint16_t port; /* 1 to 65535 */
    bool udp;      /* else TCP */
};

/* A text that was not given is empty, a number 0. */
struct car_conf {
    enum car_kind kind;
    enum car_net_kind net;
    uint32_t memory_mib;
    uint32_t address; /* host byte order */
    uint32_t ttl_s;
    int64_t deadline; /* Unix seconds */
    char name[128];
    char device[68]; /* Solo5's names have 67 bytes at most */
    struct car_open open[CAR_OPEN_MAX];
    size_t open_n;
    char blocks[CAR_BLOCKS_MAX][CAR_BLOCK_NAME_MAX + 1];
    size_t blocks_n;
    bool imds;
    uint16_t answer; /* 0: none */
    int64_t answer_deadline;
    char arguments[CAR_ARGUMENTS_MAX + 1];
    char announce[512];
    char token[256];
    char url[512];
    char digest[65];
};

/*
 * Reads text, which needs no NUL at its end. 0, or -1 with the reason in why (CAR_WHY_MAX bytes);
 * ret is then not to be used.
 */
int car_conf_parse(const char *text, size_t len, struct car_conf *ret, char *why);

/* The same of a file, CAR_CONF_BYTES_MAX at most. Not pure. */
int car_conf_read(const char *path, struct car_conf *ret, char *why);

/* The virtual disk of Xen's that the guest's disk in this place is (disks.h). */
size_t car_conf_unit(const struct car_conf *conf, size_t place);

#endif
