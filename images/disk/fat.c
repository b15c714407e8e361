/* SPDX-License-Identifier: ISC */
/*
 * FAT16 and FAT32. Everything lies in one piece and in order: tables, folders, files; so a chain is
 * a run of numbers, and of the two tables only their beginnings are written.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/memory.h"
#include "fat_name.h"
#include "put.h"

#define SECTOR ((uint32_t)IMG_SECTOR)
#define TABLES 2
#define FIRST_CLUSTER 2 /* the first number of a cluster */
#define END_OF_CHAIN UINT32_C(0x0fffffff)
#define MEDIA 0xf8      /* a fixed disk */
#define ALIGN_SECTORS 8 /* of the first cluster, and of files */
#define ROOT_SECTORS 32 /* FAT16: at least; every tool's usual number */
#define INFO_SECTOR 1   /* FAT32 */
#define BACKUP_SECTOR 6
#define DATE_1980 0x21

enum { ATTR_LABEL = 0x08, ATTR_FOLDER = 0x10, ATTR_FILE = 0x20 };

/* The number of clusters alone says which FAT it is: up to 4084 FAT12, up to 65524 FAT16. Every
 * row stays clear of these borders, over its whole range of lengths (from behind the row before).
 * 512-byte clusters where larger ones would be too few; otherwise 4 KiB as long as that does. */
static const struct row {
    uint64_t bytes_max;
    unsigned bits, cluster_sectors;
} rows[] = {
    {(uint64_t)5 << 20, 16, 1},   {(uint64_t)10 << 20, 16, 2},   {(uint64_t)20 << 20, 16, 4},
    {(uint64_t)255 << 20, 16, 8}, {IMG_FAT16_BYTES_MAX, 16, 16}, {(uint64_t)8 << 30, 32, 8},
    {(uint64_t)16 << 30, 32, 16}, {(uint64_t)32 << 30, 32, 32},  {IMG_DISK_BYTES_MAX, 32, 64},
};

/* Where things lie; sectors from the beginning of the file system. */
struct shape {
    const struct row *row;
    uint32_t sectors, reserved, table_sectors, root_sectors, data; /* root: FAT16's alone */
    uint32_t cluster_bytes, clusters;
};

struct object { /* what the chain of a node is */
    uint32_t first, count;
};

struct fat {
    struct shape shape;
    struct img_tree tree;
    struct img_fat_name *names; /* of each node, owned */
    struct object *objects;     /* of each node, owned; FAT16's root is none */
    unsigned char label[IMG_FAT_ALIAS];
    bool labelled;
    uint32_t used; /* clusters up to the last in use */
    struct img_disk *disk;
    uint64_t at;
};

static void fat_clear(struct fat *fat)
{
    img_tree_clear(&fat->tree);
    free(fat->names);
    free(fat->objects);
}
#define auto_fat MIR_CLEANUP(fat_clear)

/* The tree and its names. */
static int fat_init(struct fat *fat, const char *label, const struct img_file *files, size_t count,
                    struct mir_error *err)
{
    *fat = (struct fat){.labelled = label && *label};
    if (img_fat_label(label, fat->label, err) ||
        img_tree_init(&fat->tree, files, count, strncasecmp, err))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (files[i].len > IMG_FAT_FILE_MAX)
            return mir_fail(err, MIR_USAGE, "file \"%.60s\": FAT has none of 4 GiB or more",
                            files[i].path);
    fat->names = mir_calloc(fat->tree.count, sizeof *fat->names);
    fat->objects = mir_calloc(fat->tree.count, sizeof *fat->objects);
    return img_fat_names(&fat->tree, fat->names, err);
}

static uint32_t divide_up(uint64_t n, uint64_t by)
{
    return (uint32_t)((n + by - 1) / by);
}

/* How many bytes of entries a folder has. */
static uint32_t folder_bytes(const struct fat *fat, size_t folder)
{
    size_t entries = folder ? 2 : fat->labelled; /* "." and "..", or the label */
    for (size_t i = img_tree_in(&fat->tree, folder, 0); i < fat->tree.count;
         i = img_tree_in(&fat->tree, folder, i + 1))
        entries += fat->names[i].long_entries + 1;
    return (uint32_t)(entries * IMG_FAT_ENTRY);
}

static const struct row *row_for(uint64_t len)
{
    const struct row *row = rows;
    while (len > row->bytes_max)
        row++;
    return row;
}

/* len: of a FAT file system that can be. */
static struct shape shape_of(const struct fat *fat, uint64_t len)
{
    const struct row *row = row_for(len);
    struct shape s = {.row = row, .sectors = (uint32_t)(len / SECTOR)};
    s.cluster_bytes = row->cluster_sectors * SECTOR;
    s.table_sectors = divide_up(
        ((uint64_t)s.sectors / row->cluster_sectors + FIRST_CLUSTER) * row->bits / 8, SECTOR);
    s.reserved = row->bits == 32 ? 32 : 1;
    if (row->bits == 16) {
        uint32_t needed = divide_up(folder_bytes(fat, 0), SECTOR);
        s.root_sectors = needed > ROOT_SECTORS ? needed : ROOT_SECTORS;
    }
    s.data = s.reserved + TABLES * s.table_sectors + s.root_sectors;
    uint32_t gap = (ALIGN_SECTORS - s.data % ALIGN_SECTORS) % ALIGN_SECTORS;
    s.reserved += gap;
    s.data += gap;
    s.clusters = (s.sectors - s.data) / row->cluster_sectors;
    return s;
}

/* Gives every node its clusters, folders first; returns how many they are. Files begin at
 * multiples of 4 KiB, so that whole pages are copied; where clusters are smaller (FAT16), those
 * skipped remain free. */
static uint64_t allocate(struct fat *fat, const struct shape *s)
{
    uint64_t used = 0;
    uint32_t step = divide_up(ALIGN_SECTORS, s->row->cluster_sectors);
    for (int files = 0; files < 2; files++)
        for (size_t i = 0; i < fat->tree.count; i++) {
            const struct img_file *file = fat->tree.nodes[i].file;
            bool fixed = !i && s->row->bits == 16;
            if (fixed || (file != NULL) != files)
                continue;
            uint64_t bytes = file ? file->len : folder_bytes(fat, i);
            uint32_t count = divide_up(bytes, s->cluster_bytes);
            if (!i && !count)
                count = 1; /* FAT32's root has one, even when nothing is in it */
            if (file && count)
                used += (step - used % step) % step;
            uint32_t first = (uint32_t)(FIRST_CLUSTER + used);
            fat->objects[i] = (struct object){count ? first : 0, count};
            used += count;
        }
    return used;
}

/* Do the files fit into len, with so many bytes to spare? */
static bool fits(struct fat *fat, uint64_t len, uint32_t spare)
{
    struct shape s = shape_of(fat, len);
    return allocate(fat, &s) + divide_up(spare, s.cluster_bytes) <= s.clusters;
}

/* What the alignment of the first cluster may take from a length that is a little larger. */
#define SPARE_BYTES (2 * ALIGN_SECTORS * SECTOR)
#define STEP ((uint64_t)4096)

uint64_t img_fat_bytes(const struct img_file *files, size_t count)
{
    auto_fat struct fat fat;
    uint64_t answer = IMG_DISK_BYTES_MAX + STEP;
    if (fat_init(&fat, "LABEL", files, count, NULL))
        return IMG_FAT_BYTES_MIN;
    /* From the largest row down to the first that not everything of fits: larger clusters may hold
     * less, and what fits here has to fit in every larger volume. */
    for (size_t r = MIR_NELEMS(rows); r-- > 0;) {
        uint64_t low = r ? rows[r - 1].bytes_max + STEP : IMG_FAT_BYTES_MIN;
        uint64_t high = rows[r].bytes_max;
        if (!fits(&fat, high, SPARE_BYTES))
            break;
        while (low < high) {
            uint64_t middle = low + (high - low) / STEP / 2 * STEP;
            if (fits(&fat, middle, SPARE_BYTES))
                high = middle;
            else
                low = middle + STEP;
        }
        answer = low;
        if (r && low > rows[r - 1].bytes_max + STEP)
            break;
    }
    return answer;
}

static uint64_t sector_at(const struct fat *fat, uint32_t sector)
{
    return fat->at + (uint64_t)sector * SECTOR;
}

static uint64_t cluster_at(const struct fat *fat, uint32_t cluster)
{
    return sector_at(fat, fat->shape.data) +
           (uint64_t)(cluster - FIRST_CLUSTER) * fat->shape.cluster_bytes;
}

/* What both kinds end their boot sector's head with; text: 8 characters. */
static void put_head_end(const struct fat *fat, unsigned char *p, uint32_t id, const char *text)
{
    p[0] = 0x80; /* the BIOS's first disk */
    p[2] = 0x29; /* the three that follow are there */
    img_put_le32(p + 3, id);
    memcpy(p + 7, fat->label, IMG_FAT_ALIAS);
    memcpy(p + 18, text, 8);
}

static void put_boot_sector(const struct fat *fat, unsigned char *p, uint32_t id)
{
    static const unsigned char next_disk[] = {0xcd, 0x18, 0xf4, 0xeb, 0xfd}; /* int 0x18, halt */
    const struct shape *s = &fat->shape;
    bool is32 = s->row->bits == 32;
    unsigned head_end = is32 ? 64 : 36, code = head_end + 26;
    memcpy(p, "\xeb\x00\x90MIRAGE  ", 11);
    p[1] = (unsigned char)(code - 2);
    img_put_le16(p + 11, SECTOR);
    p[13] = (unsigned char)s->row->cluster_sectors;
    img_put_le16(p + 14, s->reserved);
    p[16] = TABLES;
    img_put_le16(p + 17, (unsigned)(s->root_sectors * SECTOR / IMG_FAT_ENTRY));
    img_put_le16(p + 19, s->sectors < 65536 ? s->sectors : 0);
    p[21] = MEDIA;
    img_put_le16(p + 22, is32 ? 0 : s->table_sectors);
    img_put_le16(p + 24, 63); /* sectors and heads, as the BIOS sees them */
    img_put_le16(p + 26, 255);
    img_put_le32(p + 28, (uint32_t)(fat->at / SECTOR));
    img_put_le32(p + 32, s->sectors < 65536 ? 0 : s->sectors);
    if (is32) {
        img_put_le32(p + 36, s->table_sectors);
        img_put_le32(p + 44, FIRST_CLUSTER); /* the root */
        img_put_le16(p + 48, INFO_SECTOR);
        img_put_le16(p + 50, BACKUP_SECTOR);
    }
    put_head_end(fat, p + head_end, id, is32 ? "FAT32   " : "FAT16   ");
    memcpy(p + code, next_disk, sizeof next_disk);
    p[510] = 0x55;
    p[511] = 0xaa;
}

static void put_info_sector(const struct fat *fat, unsigned char *p)
{
    img_put_le32(p, 0x41615252);
    img_put_le32(p + 484, 0x61417272);
    img_put_le32(p + 488, fat->shape.clusters - fat->used);
    img_put_le32(p + 492, FIRST_CLUSTER + fat->used); /* where to look for a free one */
    img_put_le32(p + 508, 0xaa550000);
}

static int add_reserved(const struct fat *fat, uint32_t id, struct mir_error *err)
{
    unsigned char boot[SECTOR] = {0}, info[SECTOR] = {0};
    put_boot_sector(fat, boot, id);
    put_info_sector(fat, info);
    if (img_disk_bytes(fat->disk, fat->at, boot, sizeof boot, err))
        return -1;
    if (fat->shape.row->bits == 16)
        return 0;
    for (uint32_t base = 0; base <= BACKUP_SECTOR; base += BACKUP_SECTOR)
        if ((base && img_disk_bytes(fat->disk, sector_at(fat, base), boot, sizeof boot, err)) ||
            img_disk_bytes(fat->disk, sector_at(fat, base + INFO_SECTOR), info, sizeof info, err))
            return -1;
    return 0;
}

static void put_link(const struct fat *fat, unsigned char *table, uint32_t at, uint32_t value)
{
    if (fat->shape.row->bits == 32)
        img_put_le32(table + (size_t)4 * at, value);
    else
        img_put_le16(table + (size_t)2 * at, value & 0xffff);
}

static int add_tables(const struct fat *fat, struct mir_error *err)
{
    uint64_t len = ((uint64_t)fat->used + FIRST_CLUSTER) * fat->shape.row->bits / 8;
    uint64_t second = sector_at(fat, fat->shape.reserved + fat->shape.table_sectors);
    unsigned char *table = img_disk_room(fat->disk, sector_at(fat, fat->shape.reserved), len, err);
    if (!table)
        return -1;
    put_link(fat, table, 0, END_OF_CHAIN & (0xffffff00 | MEDIA));
    put_link(fat, table, 1, END_OF_CHAIN); /* cleanly unmounted, no errors */
    for (size_t i = 0; i < fat->tree.count; i++) {
        const struct object *o = &fat->objects[i];
        for (uint32_t c = 0; c < o->count; c++)
            put_link(fat, table, o->first + c, c + 1 < o->count ? o->first + c + 1 : END_OF_CHAIN);
    }
    return img_disk_bytes(fat->disk, second, table, (size_t)len, err);
}

/* Returns the place behind it. */
static unsigned char *put_entry(unsigned char *p, const void *alias, unsigned attributes,
                                uint32_t cluster, uint64_t len)
{
    memcpy(p, alias, IMG_FAT_ALIAS);
    p[11] = (unsigned char)attributes;
    img_put_le16(p + 20, cluster >> 16);
    img_put_le16(p + 24, DATE_1980);
    img_put_le16(p + 26, cluster & 0xffff);
    img_put_le32(p + 28, (uint32_t)len);
    return p + IMG_FAT_ENTRY;
}

static int add_folder(const struct fat *fat, size_t folder, struct mir_error *err)
{
    const struct img_tree *tree = &fat->tree;
    const struct object *own = &fat->objects[folder];
    size_t parent = tree->nodes[folder].parent;
    uint64_t len = folder_bytes(fat, folder);
    uint64_t at = own->count ? cluster_at(fat, own->first)
                             : sector_at(fat, fat->shape.data - fat->shape.root_sectors);
    if (!len)
        return 0;
    unsigned char *p = img_disk_room(fat->disk, at, len, err);
    if (!p)
        return -1;
    if (!folder && fat->labelled)
        p = put_entry(p, fat->label, ATTR_LABEL, 0, 0);
    if (folder) {
        p = put_entry(p, ".          ", ATTR_FOLDER, own->first, 0);
        /* The root is cluster 0 here, in FAT32, too. */
        p = put_entry(p, "..         ", ATTR_FOLDER, parent ? fat->objects[parent].first : 0, 0);
    }
    for (size_t i = img_tree_in(tree, folder, 0); i < tree->count;
         i = img_tree_in(tree, folder, i + 1)) {
        const struct img_file *file = tree->nodes[i].file;
        p = img_fat_put_long(p, &tree->nodes[i], &fat->names[i]);
        p = put_entry(p, fat->names[i].alias, file ? ATTR_FILE : ATTR_FOLDER, fat->objects[i].first,
                      file ? file->len : 0);
    }
    return 0;
}

static int add_nodes(const struct fat *fat, struct mir_error *err)
{
    for (size_t i = 0; i < fat->tree.count; i++) {
        const struct img_file *file = fat->tree.nodes[i].file;
        if (file ? img_file_put(fat->disk, cluster_at(fat, fat->objects[i].first), file, 0,
                                file->len, err)
                 : add_folder(fat, i, err))
            return -1;
    }
    return 0;
}

int img_fat_add(struct img_disk *disk, uint64_t at, uint64_t len, uint32_t id, const char *label,
                const struct img_file *files, size_t count, struct mir_error *err)
{
    auto_fat struct fat fat;
    if (fat_init(&fat, label, files, count, err))
        return -1;
    if (img_volume_check(disk, at, len, IMG_FAT_BYTES_MIN, err))
        return -1;
    fat.disk = disk;
    fat.at = at;
    fat.shape = shape_of(&fat, len);
    uint64_t used = allocate(&fat, &fat.shape);
    if (used > fat.shape.clusters)
        return img_volume_full(len, img_fat_bytes(files, count), err);
    fat.used = (uint32_t)used;
    return add_reserved(&fat, id, err) || add_tables(&fat, err) || add_nodes(&fat, err) ? -1 : 0;
}
