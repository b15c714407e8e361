/* SPDX-License-Identifier: ISC */
/*
 * What is known of EC2's instance types without asking: a dated table of the small ones, with the
 * family that the compatibility table speaks of, memory and price; and the family of any other
 * type by its name. Pure; any thread.
 *
 * Prices are on-demand Linux ones of us-east-1, second-hand, and marked as estimates wherever they
 * are shown; what AWS says (GetProducts) goes before them. Other regions cost up to twice as much,
 * so a worst case there counts double.
 */
#ifndef EC2_MACHINES_H
#define EC2_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/error.h"
#include "api/kernel.h"

#define EC2_PRICE_DATE "2026-08-02"
#define EC2_PRICE_REGION "us-east-1"
#define EC2_ADDRESS_HOUR_MICRO 5000    /* a public IPv4 address, in use or idle, since 2024-02 */
#define EC2_DISK_GIB_MONTH_MICRO 80000 /* gp3 */
#define EC2_SNAPSHOT_GIB_MONTH_MICRO 50000
#define EC2_OBJECT_GIB_MONTH_MICRO 23000 /* in S3; most bundles are far less than a GiB */
#define EC2_HOURS_A_MONTH 730

/* The series that start from instance-store bundles. Source: EC2's guide, "Create an instance
 * store-backed AMI". */
#define EC2_INSTANCE_STORE "C1, C3, D2, I2, M1, M2, M3, R3 or X1"

#define EC2_NESTED "nested" /* the family whose machines virtualise when they are asked to */

struct ec2_machine {
    char type[32];
    char family[16]; /* as in mir_kernel.families */
    enum mir_arch arch;
    uint64_t memory_bytes;  /* 0: unknown */
    int64_t per_hour_micro; /* USD; 0: unknown */
    bool free_tier;
    bool instance_store; /* its root may be a disk of its own, which a bundle is copied to */
    bool bursts;         /* has CPU credits, which may cost more unless "standard" is asked for */
};

/* The types of the table, cheapest first within each family. */
size_t ec2_machine_count(void);
void ec2_machine_at(size_t i, struct ec2_machine *ret);

/* Any type by its name: from the table, or what its name says. MIR_USAGE: it is no name of a type,
 * with one that was probably meant. */
int ec2_machine_named(const char *type, struct ec2_machine *ret, struct mir_error *err);

/* Does its processor run what is built for that one? Also true when nobody knows what it is. */
bool ec2_machine_runs(const struct ec2_machine *machine, enum mir_arch arch);

/* What a kernel's machine has to be good for. */
struct ec2_wanted {
    uint64_t memory_bytes; /* 0: any */
    bool anyway;           /* also where the table says that it has no network, or cannot */
    bool instance_store;   /* only those that start from bundles */
};

/* The one for a kernel: of the families where it boots (or might, with `anyway`: if there is a way
 * to start it) and with its processor, all that is wanted, free tier first, then the cheapest. What
 * does not say for which processor it is (a disk for UEFI) gets an arm64 machine only when it
 * starts on no other. MIR_POLICY: there is none. */
int ec2_machine_for(const struct mir_kernel *kernel, const struct ec2_wanted *wanted,
                    struct ec2_machine *ret, struct mir_error *err);

/* What GiB of a volume or snapshot cost an hour, rounded up. */
int64_t ec2_disk_hour_micro(uint64_t gib, int64_t gib_month_micro);

#endif
