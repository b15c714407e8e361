/* SPDX-License-Identifier: ISC */
/*
 * Makes small disks and flat kernels for the tests of the probes, in a buffer of FORGE_DISK_BYTES
 * that the caller has. Each function but the first two clears it.
 */
#ifndef TESTS_KRN_FORGE_DISK_H
#define TESTS_KRN_FORGE_DISK_H

#include <stddef.h>
#include <stdint.h>

#define FORGE_DISK_BYTES ((size_t)1 << 20)
#define FORGE_CLUSTER 65536 /* of the qcow2 */

/* One sector with boot code. */
void forge_boot_sector(unsigned char *p);

/* The footer of a VHD of FORGE_DISK_BYTES, 512 bytes. */
void forge_vhd_footer(unsigned char *p, uint32_t type, uint64_t data_offset);

/* A disk with a protective MBR and a GPT header, of sectors of this size. */
void forge_gpt(unsigned char *p, size_t sector);

/* A qcow2 whose first cluster, at 3 * FORGE_CLUSTER, begins with a boot sector. */
void forge_qcow2(unsigned char *p, uint32_t version);

/* A dynamic VHD whose first block begins with a boot sector. */
void forge_vhd_dynamic(unsigned char *p);

/* A VMDK of 8 MiB in grains of 64 KiB, its text at FORGE_VMDK_TEXT, whose first grain begins with a
 * boot sector: as it is (directory at 0x6000, its first table at 0x7000), or deflated in one pass
 * (the grain's marker at FORGE_VMDK_GRAIN, no directory that could be seen). */
#define FORGE_VMDK_TEXT 512
#define FORGE_VMDK_GRAIN 65536
void forge_vmdk(unsigned char *p);
void forge_vmdk_packed(unsigned char *p);

/* A bzImage of this version of the boot protocol; an arm64 Image. */
void forge_linux(unsigned char *p, uint16_t version);
void forge_arm64(unsigned char *p);

/* A PE file for this machine and subsystem (10: EFI application), with sections of these names. */
void forge_pe(unsigned char *p, uint16_t machine, uint16_t subsystem, const char *const *sections,
              uint16_t count);

#endif
