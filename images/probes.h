/* SPDX-License-Identifier: ISC */
/*
 * The probes: each looks for one family of boot protocols and adds what it finds to the facts.
 * They are called in the order of inspect.c; several may be right about the same file.
 *
 * Each returns 0 whether it has found something or not, and -1 with MIR_CORRUPT when the file
 * claims to be of the family and contradicts itself.
 */
#ifndef IMAGES_PROBES_H
#define IMAGES_PROBES_H

#include "elf.h"
#include "facts.h"
#include "window.h"

/* Parts of ELF files. */
int krn_probe_solo5(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err);
int krn_probe_xen(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err);
int krn_probe_part(const struct krn_elf *elf, struct krn_facts *facts, struct mir_error *err);
/* After the boot protocols: whose kernel it is, by its sections. */
void krn_probe_unikraft(const struct krn_elf *elf, struct krn_facts *facts);

/* elf is NULL for a file that is none: then only a header with address fields counts. */
int krn_probe_multiboot(const struct krn_window *window, const struct krn_elf *elf,
                        struct krn_facts *facts, struct mir_error *err);

/* Whole files: these set the format when they recognise it. */
int krn_probe_linux(const struct krn_window *window, struct krn_facts *facts,
                    struct mir_error *err);
int krn_probe_disk(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err);
int krn_probe_qcow2(const struct krn_window *window, struct krn_facts *facts,
                    struct mir_error *err);
int krn_probe_vhd(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err);
int krn_probe_vmdk(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err);

/* What has no format of its own: the description and the conditions say what it is. */
int krn_probe_efi(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err);
int krn_probe_other_disk(const struct krn_window *window, struct krn_facts *facts,
                         struct mir_error *err);

/* Whose disk it is. OSv's boot sector says so; Nanos's partitions do, as far as they are kept. */
void krn_probe_osv(const unsigned char *sector, struct krn_facts *facts);
void krn_probe_nanos(const struct krn_window *window, struct krn_facts *facts);

/* Has it a partition table that makes sense, with a partition in it? Then whatever else its first
 * sectors hold, the code of a boot loader for one, is a part of the disk. */
bool krn_is_partitioned(const struct krn_window *window);

/* The first sectors of a disk, `len` bytes of them, from wherever its container has put them:
 * sets the boot ways and the conditions. NULL: they could not be looked at. */
void krn_disk_head(const unsigned char *head, size_t len, struct krn_facts *facts);

/* "8.0 GiB" into the detail, for the description. */
void krn_disk_size(uint64_t bytes, struct krn_facts *facts);

#endif
