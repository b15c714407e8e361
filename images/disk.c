/* SPDX-License-Identifier: ISC */
/*
 * Raw disks: MBR and GPT; and what every disk image has in common, its first sectors.
 * Format: UEFI specification, chapter 5, and the PC's master boot record.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "bytes.h"
#include "probes.h"

#define SECTOR 512
#define BOOT_CODE 440 /* the rest of the sector is a disk id and the partition table */
#define GPT_HEADER_MAX 512

static bool all_zero(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

/* A GPT header whose own checksum is right. */
static bool is_gpt(const unsigned char *p, size_t len)
{
    unsigned char header[GPT_HEADER_MAX];
    if (len < 92 || memcmp(p, "EFI PART", 8))
        return false;
    uint32_t size = krn_le32(p + 12);
    if (size < 92 || size > len || size > sizeof header)
        return false;
    memcpy(header, p, size);
    memset(header + 16, 0, 4);
    return crc32(0, header, size) == krn_le32(p + 16);
}

static bool has_signature(const unsigned char *sector)
{
    return sector[510] == 0x55 && sector[511] == 0xaa;
}

void krn_disk_head(const unsigned char *head, size_t len, struct krn_facts *facts)
{
    if (!head || len < SECTOR) {
        facts->conditions |= KRN_UNSEEN_DISK;
        return;
    }
    if (has_signature(head) && !all_zero(head, BOOT_CODE)) {
        facts->kernel.boot_ways |= MIR_BOOT_BIOS_DISK;
        krn_probe_osv(head, facts);
    }
    for (size_t sector = SECTOR; sector <= 4096; sector *= 8) /* 512 and 4096 bytes */
        if (len >= sector + SECTOR && is_gpt(head + sector, len - sector))
            facts->kernel.boot_ways |= MIR_BOOT_EFI_DISK;
    if (all_zero(head, SECTOR))
        facts->conditions |= KRN_EMPTY_DISK;
}

void krn_disk_size(uint64_t bytes, struct krn_facts *facts)
{
    if (bytes >= (uint64_t)1 << 30)
        snprintf(facts->detail, sizeof facts->detail, "%.1f GiB", (double)bytes / (1 << 30));
    else
        snprintf(facts->detail, sizeof facts->detail, "%.1f MiB", (double)bytes / (1 << 20));
}

/* A boot sector's signature is two bytes, which any file may have by chance: the partition table
 * has to make sense too, or the sector has to begin with a jump as file systems' do. */
static bool looks_like_mbr(const unsigned char *sector)
{
    if (!has_signature(sector))
        return false;
    if (sector[0] == 0xeb || sector[0] == 0xe9 || sector[0] == 0xfa || sector[0] == 0x33)
        return true;
    for (unsigned i = 0; i < 4; i++)
        if (sector[446 + 16 * i] & 0x7f)
            return false;
    return true;
}

bool krn_is_partitioned(const struct krn_window *window)
{
    const unsigned char *head = krn_window_at(window, 0, SECTOR);
    bool one = false;
    if (!head || !has_signature(head))
        return false;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned char *entry = head + 446 + (size_t)16 * i;
        uint32_t first = krn_le32(entry + 8), count = krn_le32(entry + 12);
        if (entry[0] & 0x7f)
            return false;
        if (!entry[4])
            continue;
        if (!first || !count || first >= window->size / SECTOR)
            return false;
        one = true;
    }
    return one;
}

/* The first header names the sector of its copy at the end of the disk. */
static int check_gpt_end(const unsigned char *head, size_t len, uint64_t size,
                         struct mir_error *err)
{
    for (uint64_t sector = SECTOR; sector <= 4096; sector *= 8) {
        if (len < sector + SECTOR || !is_gpt(head + sector, len - sector))
            continue;
        uint64_t last = krn_le64(head + sector + 32);
        if (last < size / sector)
            return 0;
        mir_fail(err, MIR_CORRUPT,
                 "the disk image is cut off: its GPT counts %" PRIu64
                 " sectors, the file has %" PRIu64,
                 last + 1, size / sector);
        return mir_error_hint(err, "fetch or copy the file again");
    }
    return 0;
}

int krn_probe_disk(const struct krn_window *window, struct krn_facts *facts, struct mir_error *err)
{
    size_t len = window->kept < 8192 ? window->kept : 8192;
    const unsigned char *head = krn_window_at(window, 0, len);
    if (!head || len < SECTOR)
        return 0;
    krn_disk_head(head, len, facts);
    if (!looks_like_mbr(head) && !(facts->kernel.boot_ways & MIR_BOOT_EFI_DISK)) {
        facts->kernel.boot_ways = 0;
        facts->conditions &= ~KRN_EMPTY_DISK;
        return 0;
    }
    if (check_gpt_end(head, len, window->size, err))
        return -1;
    facts->kernel.format = MIR_FORMAT_DISK_RAW;
    krn_probe_nanos(window, facts);
    krn_disk_size(window->size, facts);
    return 0;
}
