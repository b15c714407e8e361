/* SPDX-License-Identifier: ISC */
/*
 * The guest's disks. Each is a partition of the carrier's own disk that is called
 * "mirage-block-NUMBER" (GPT), NUMBER being the place of its `block` line in the configuration,
 * from 0 on: so it takes no memory, whatever its size, and what the guest writes stays on this
 * machine's disk. Pure, but for disks_find.c.
 */
#ifndef CAR_DISKS_H
#define CAR_DISKS_H

#include <stdbool.h>
#include <stddef.h>

#define CAR_BLOCKS_MAX 16 /* xvda to xvdp */
#define CAR_BLOCK_NAME_MAX 67
#define CAR_BLOCK_PARTITION "mirage-block-"

/*
 * May a disk have this name: letters, digits, '.', '_', '-' and '/', 1 to CAR_BLOCK_NAME_MAX bytes?
 * A MirageOS kernel for Xen asks for its disks by a file's name, or by a device's.
 */
bool car_block_name(const char *name, size_t len);

/*
 * Which of Xen's virtual disks a name means by itself: "xvdb", "/dev/xvdb" and "51728" are 1; -1:
 * it means none, and takes what is free.
 */
int car_block_unit_of(const char *name);

/* Whether the two cannot both be had: the same name, or the same virtual disk. */
bool car_block_same(const char *a, const char *b);

/* The virtual disk of the name in that place: what it means, or the first that nobody means. */
size_t car_block_unit(const char *const names[], size_t n, size_t place);

/* Xen's number of a virtual disk, as it stands in its store: 51712 of 0, which is xvda. */
unsigned car_block_number(size_t unit);

/*
 * Of a block device's `uevent` in sysfs: is it a guest's disk, which one, and its name in /dev (cap
 * bytes)? -1: it is none.
 */
int car_block_of_uevent(const char *text, char *ret_device, size_t cap);

/*
 * Does a MirageOS kernel say in this line that it has no disk of that name, and will go no further?
 * ret has CAR_BLOCK_NAME_MAX + 1 bytes.
 */
bool car_block_missed(const char *line, char *ret);

#define CAR_BLOCK_DEVICE_MAX 64

struct car_disks {
    size_t n;
    char devices[CAR_BLOCKS_MAX][CAR_BLOCK_DEVICE_MAX]; /* "/dev/nvme0n1p3" */
};

/*
 * Waits until the first n are there, for at most wait_ms. 0, or -1 with the reason in why
 * (CAR_WHY_MAX bytes): one is missing, or there twice.
 */
int car_disks_find(struct car_disks *ret, size_t n, int wait_ms, char *why);

#endif
