/* SPDX-License-Identifier: ISC */
/*
 * ext2, exactly as large as its files: no block is free, so every bitmap of blocks is all ones, and
 * blocks are given out by counting: the folders, then each file's indirect blocks and its data,
 * stepping over the tables at the beginning of each block group. All inodes are in group 0.
 *
 * A "place" is a number of a block, or the first of a group, which stands for the one behind the
 * group's tables.
 */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"
#include "tree.h"

#define BLOCK ((uint64_t)4096)
#define GROUP_BLOCKS ((uint32_t)(8 * BLOCK)) /* as many as one block of bits can tell of */
#define DESCRIPTOR ((uint32_t)32)
#define SUPER_AT ((uint64_t)1024)
#define SUPER_BYTES 1024
#define INODE ((uint32_t)128)
#define TABLE_INODES ((uint32_t)(BLOCK / INODE)) /* in a block of the table */
#define ROOT_INODE 2
#define FIRST_INODE 11 /* that is not reserved */
#define DIRECT 12
#define POINTERS ((uint64_t)(BLOCK / 4)) /* in an indirect block */
#define LEVELS_MAX 3
#define LARGE_FILE ((uint64_t)1 << 31)
#define LABEL_MAX 16

enum { FEATURE_FILETYPE = 2 };                             /* incompatible */
enum { FEATURE_SPARSE_SUPER = 1, FEATURE_LARGE_FILE = 2 }; /* compatible for readers */
enum { MODE_FOLDER = 040755, MODE_FILE = 0100644 };
enum { ENTRY_FILE = 1, ENTRY_FOLDER = 2 };

struct ext2 {
    struct img_tree tree;
    struct img_disk *disk;
    uint64_t at;
    uint32_t inodes;       /* in use, the reserved ones too */
    uint32_t table_blocks; /* of inodes, in each group */
    uint32_t groups, descriptor_blocks;
    uint32_t blocks;
};

static void ext2_clear(struct ext2 *fs)
{
    img_tree_clear(&fs->tree);
}
#define auto_ext2 MIR_CLEANUP(ext2_clear)

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return n / by + (n % by != 0);
}

/* --- how much of everything --- */

static bool has_super(uint32_t group)
{
    static const uint32_t bases[] = {3, 5, 7};
    if (group <= 1)
        return true;
    for (size_t i = 0; i < MIR_NELEMS(bases); i++) {
        uint32_t power = bases[i];
        while (power < group)
            power *= bases[i];
        if (power == group)
            return true;
    }
    return false;
}

/* The blocks that a group's tables take; they are in this order: superblock, descriptors, bitmap
 * of blocks, bitmap of inodes, inodes. */
static uint32_t head_blocks(const struct ext2 *fs, uint32_t group)
{
    return has_super(group) ? 1 + fs->descriptor_blocks : 0;
}

static uint32_t group_tables(const struct ext2 *fs, uint32_t group)
{
    return head_blocks(fs, group) + 2 + fs->table_blocks;
}

/* The indirect blocks that lead to so many blocks of a file. */
static uint64_t indirect_blocks(uint64_t blocks)
{
    uint64_t left = blocks > DIRECT ? blocks - DIRECT : 0, sum = 0, reach = POINTERS;
    for (unsigned level = 1; left && level <= LEVELS_MAX; level++, reach *= POINTERS) {
        uint64_t here = left < reach ? left : reach;
        for (uint64_t below = POINTERS; below <= reach; below *= POINTERS)
            sum += divide_up(here, below);
        left -= here;
    }
    return sum;
}

struct packer {         /* of a folder's entries */
    unsigned char *out; /* NULL: nothing is written */
    size_t last, end;   /* the last entry, and where it ends */
};

static size_t pack_folder(const struct img_tree *tree, size_t folder, unsigned char *out);

static uint64_t node_blocks(const struct ext2 *fs, size_t node)
{
    const struct img_file *file = fs->tree.nodes[node].file;
    return divide_up(file ? file->len : pack_folder(&fs->tree, node, NULL), BLOCK);
}

/* As many groups as everything takes; false: more than a disk can have. */
static bool shape(struct ext2 *fs)
{
    uint64_t needed = 0;
    fs->inodes = FIRST_INODE - 1 + (uint32_t)fs->tree.count - 1;
    fs->table_blocks = (uint32_t)divide_up(fs->inodes, TABLE_INODES);
    if (img_tree_bytes(&fs->tree) > IMG_DISK_BYTES_MAX)
        return false;
    for (size_t i = 0; i < fs->tree.count; i++) {
        uint64_t blocks = node_blocks(fs, i);
        needed += blocks + indirect_blocks(blocks);
    }
    if (needed > IMG_DISK_BYTES_MAX / BLOCK)
        return false;
    for (fs->descriptor_blocks = 1;; fs->descriptor_blocks++) {
        uint64_t left = needed;
        uint32_t most = (uint32_t)(fs->descriptor_blocks * BLOCK / DESCRIPTOR);
        for (uint32_t group = 0; group < most; group++) {
            uint32_t room = GROUP_BLOCKS - group_tables(fs, group);
            if (left <= room) {
                fs->groups = group + 1;
                fs->blocks = group * GROUP_BLOCKS + group_tables(fs, group) + (uint32_t)left;
                return fs->blocks <= IMG_DISK_BYTES_MAX / BLOCK;
            }
            left -= room;
        }
    }
}

uint64_t img_ext2_bytes(const struct img_file *files, size_t count)
{
    auto_ext2 struct ext2 fs = {0};
    if (img_tree_init(&fs.tree, files, count, strncmp, NULL))
        return BLOCK;
    return shape(&fs) ? fs.blocks * BLOCK : IMG_DISK_BYTES_MAX + BLOCK;
}

/* --- giving out blocks --- */

/* The next block from the place on, which moves behind it and up to want - 1 more in a row; their
 * number is *ret_run. */
static uint32_t take(const struct ext2 *fs, uint32_t *place, uint64_t want, uint32_t *ret_run)
{
    if (*place % GROUP_BLOCKS == 0)
        *place += group_tables(fs, *place / GROUP_BLOCKS);
    uint32_t block = *place, left = GROUP_BLOCKS - block % GROUP_BLOCKS;
    *ret_run = want < left ? (uint32_t)want : left;
    *place += *ret_run;
    return block;
}

static uint32_t take_one(const struct ext2 *fs, uint32_t *place)
{
    uint32_t run;
    return take(fs, place, 1, &run);
}

static void skip(const struct ext2 *fs, uint32_t *place, uint64_t blocks)
{
    uint32_t run;
    for (; blocks; blocks -= run)
        take(fs, place, blocks, &run);
}

static uint64_t block_at(const struct ext2 *fs, uint32_t block)
{
    return fs->at + block * BLOCK;
}

/* --- folders --- */

static uint32_t inode_of(size_t node)
{
    return node ? FIRST_INODE - 1 + (uint32_t)node : ROOT_INODE;
}

static void pack(struct packer *p, uint32_t inode, unsigned type, const char *name, size_t len)
{
    size_t bytes = 8 + (len + 3) / 4 * 4, left = BLOCK - p->end % BLOCK;
    if (bytes > left) { /* the last entry of a block reaches to its end */
        if (p->out)
            img_put_le16(p->out + p->last + 4, (unsigned)(BLOCK - p->last % BLOCK));
        p->end += left;
    }
    p->last = p->end;
    p->end += bytes;
    if (!p->out)
        return;
    unsigned char *entry = p->out + p->last;
    img_put_le32(entry, inode);
    img_put_le16(entry + 4, (unsigned)bytes);
    entry[6] = (unsigned char)len;
    entry[7] = (unsigned char)type;
    memcpy(entry + 8, name, len);
}

/* Returns the length up to the end of the last name; the rest of its block is zeros. */
static size_t pack_folder(const struct img_tree *tree, size_t folder, unsigned char *out)
{
    struct packer p = {.out = out};
    pack(&p, inode_of(folder), ENTRY_FOLDER, ".", 1);
    pack(&p, inode_of(tree->nodes[folder].parent), ENTRY_FOLDER, "..", 2);
    for (size_t i = img_tree_in(tree, folder, 0); i < tree->count;
         i = img_tree_in(tree, folder, i + 1))
        pack(&p, inode_of(i), tree->nodes[i].file ? ENTRY_FILE : ENTRY_FOLDER, tree->nodes[i].name,
             tree->nodes[i].name_len);
    if (out)
        img_put_le16(out + p.last + 4, (unsigned)(BLOCK - p.last % BLOCK));
    return p.end;
}

/* All folders come first and fit into group 0, so that each is in one piece. */
static int add_folder(const struct ext2 *fs, size_t node, uint32_t place, struct mir_error *err)
{
    size_t len = pack_folder(&fs->tree, node, NULL);
    uint64_t at = block_at(fs, take_one(fs, &place));
    unsigned char *out = img_disk_room(fs->disk, at, len, err);
    if (!out)
        return -1;
    pack_folder(&fs->tree, node, out);
    return 0;
}

/* --- files --- */

static int add_data(const struct ext2 *fs, const struct img_file *file, uint32_t place,
                    struct mir_error *err)
{
    uint64_t blocks = divide_up(file->len, BLOCK);
    for (uint64_t done = 0, next; done < blocks; done = next) {
        uint32_t run, block = take(fs, &place, blocks - done, &run);
        next = done + run;
        uint64_t end = next == blocks ? file->len : next * BLOCK;
        if (img_file_put(fs->disk, block_at(fs, block), file, done * BLOCK, end - done * BLOCK,
                         err))
            return -1;
    }
    return 0;
}

struct mapper { /* of one file's or folder's blocks */
    const struct ext2 *fs;
    uint32_t indirect, data; /* places */
    uint64_t left;           /* blocks to map */
};

/* One pointer: to a block (level 0), or to an indirect block that leads to as many as it can.
 * Recursion is as deep as the level. */
static int map(struct mapper *m, unsigned level, uint32_t *ret_block, struct mir_error *err)
{
    if (!level) {
        m->left--;
        *ret_block = take_one(m->fs, &m->data);
        return 0;
    }
    uint64_t reach = 1;
    for (unsigned i = 1; i < level; i++)
        reach *= POINTERS;
    uint64_t count = divide_up(m->left, reach);
    if (count > POINTERS)
        count = POINTERS;
    *ret_block = take_one(m->fs, &m->indirect);
    unsigned char *p = img_disk_room(m->fs->disk, block_at(m->fs, *ret_block), 4 * count, err);
    if (!p)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t block;
        if (map(m, level - 1, &block, err))
            return -1;
        img_put_le32(p + 4 * i, block);
    }
    return 0;
}

static void put_inode_head(const struct ext2 *fs, size_t node, unsigned char *inode)
{
    const struct img_file *file = fs->tree.nodes[node].file;
    uint64_t blocks = node_blocks(fs, node), len = file ? file->len : blocks * BLOCK;
    unsigned links = file ? 1 : 2;
    for (size_t i = img_tree_in(&fs->tree, node, 0); i < fs->tree.count;
         i = img_tree_in(&fs->tree, node, i + 1))
        links += !fs->tree.nodes[i].file; /* a folder's ".." */
    img_put_le16(inode, file ? MODE_FILE : MODE_FOLDER);
    img_put_le32(inode + 4, (uint32_t)len);
    img_put_le16(inode + 26, links);
    img_put_le32(inode + 28, (uint32_t)((blocks + indirect_blocks(blocks)) * (BLOCK / IMG_SECTOR)));
    if (file)
        img_put_le32(inode + 108, (uint32_t)(len >> 32));
}

/* Everything of one node; the place moves behind it. */
static int add_node(const struct ext2 *fs, size_t node, unsigned char *inode, uint32_t *place,
                    struct mir_error *err)
{
    const struct img_file *file = fs->tree.nodes[node].file;
    uint64_t blocks = node_blocks(fs, node);
    struct mapper m = {.fs = fs, .indirect = *place, .left = blocks};
    skip(fs, place, indirect_blocks(blocks));
    m.data = *place;
    put_inode_head(fs, node, inode);
    if (file ? add_data(fs, file, *place, err) : add_folder(fs, node, *place, err))
        return -1;
    skip(fs, place, blocks);
    for (unsigned i = 0; m.left && i < DIRECT + LEVELS_MAX; i++) {
        uint32_t block;
        if (map(&m, i < DIRECT ? 0 : i - DIRECT + 1, &block, err))
            return -1;
        img_put_le32(inode + 40 + (size_t)4 * i, block);
    }
    return 0;
}

static int add_nodes(const struct ext2 *fs, struct mir_error *err)
{
    uint64_t table = block_at(fs, head_blocks(fs, 0) + 2);
    unsigned char *inodes = img_disk_room(fs->disk, table, (uint64_t)fs->inodes * INODE, err);
    uint32_t place = 0;
    if (!inodes)
        return -1;
    for (int files = 0; files < 2; files++)
        for (size_t i = 0; i < fs->tree.count; i++)
            if ((fs->tree.nodes[i].file != NULL) == files &&
                add_node(fs, i, inodes + (size_t)(inode_of(i) - 1) * INODE, &place, err))
                return -1;
    return 0;
}

/* --- tables --- */

static void put_super(const struct ext2 *fs, unsigned char *p, const unsigned char uuid[16],
                      const char *label)
{
    uint32_t group_inodes = fs->table_blocks * TABLE_INODES;
    unsigned features = FEATURE_SPARSE_SUPER;
    for (size_t i = 0; i < fs->tree.count; i++)
        if (fs->tree.nodes[i].file && fs->tree.nodes[i].file->len >= LARGE_FILE)
            features |= FEATURE_LARGE_FILE;
    img_put_le32(p, group_inodes * fs->groups);
    img_put_le32(p + 4, fs->blocks);
    img_put_le32(p + 16, group_inodes * fs->groups - fs->inodes);
    img_put_le32(p + 24, 2); /* 1024 << 2: the block's size, and the fragment's */
    img_put_le32(p + 28, 2);
    img_put_le32(p + 32, GROUP_BLOCKS);
    img_put_le32(p + 36, GROUP_BLOCKS);
    img_put_le32(p + 40, group_inodes);
    img_put_le16(p + 54, 0xffff); /* never to be checked for its age */
    img_put_le16(p + 56, 0xef53);
    img_put_le16(p + 58, 1); /* cleanly unmounted */
    img_put_le16(p + 60, 1); /* go on when there are errors */
    img_put_le32(p + 76, 1); /* revision */
    img_put_le32(p + 84, FIRST_INODE);
    img_put_le16(p + 88, INODE);
    img_put_le32(p + 96, FEATURE_FILETYPE);
    img_put_le32(p + 100, features);
    memcpy(p + 104, uuid, 16);
    memcpy(p + 120, label, strlen(label));
}

static int add_bitmaps(const struct ext2 *fs, uint32_t group, struct mir_error *err)
{
    uint64_t at = block_at(fs, group * GROUP_BLOCKS + head_blocks(fs, group));
    uint32_t used = group ? 0 : fs->inodes, there = fs->table_blocks * TABLE_INODES;
    unsigned char *bits = img_disk_room(fs->disk, at, 2 * BLOCK, err);
    if (!bits)
        return -1;
    memset(bits, 0xff, BLOCK); /* of blocks: none is free, none lies behind the last */
    bits += BLOCK;
    for (uint32_t i = 0; i < used; i++)
        bits[i / 8] = (unsigned char)(bits[i / 8] | 1 << i % 8);
    memset(bits + there / 8, 0xff, BLOCK - there / 8); /* inodes that are not there */
    return 0;
}

static void put_descriptor(const struct ext2 *fs, unsigned char *p, uint32_t group)
{
    uint32_t first = group * GROUP_BLOCKS + head_blocks(fs, group);
    uint32_t folders = 0, inodes = fs->table_blocks * TABLE_INODES;
    for (size_t i = 0; !group && i < fs->tree.count; i++)
        folders += !fs->tree.nodes[i].file;
    img_put_le32(p, first);
    img_put_le32(p + 4, first + 1);
    img_put_le32(p + 8, first + 2);
    img_put_le16(p + 14, group ? inodes : inodes - fs->inodes);
    img_put_le16(p + 16, folders);
}

static int add_tables(const struct ext2 *fs, unsigned char *super, struct mir_error *err)
{
    uint64_t len = (uint64_t)fs->groups * DESCRIPTOR;
    unsigned char *descriptors = img_disk_room(fs->disk, block_at(fs, 1), len, err);
    if (!descriptors)
        return -1;
    for (uint32_t group = 0; group < fs->groups; group++) {
        uint32_t first = group * GROUP_BLOCKS;
        put_descriptor(fs, descriptors + (size_t)group * DESCRIPTOR, group);
        if (add_bitmaps(fs, group, err))
            return -1;
        if (!has_super(group))
            continue;
        img_put_le16(super + 90, group);
        uint64_t at = block_at(fs, first) + (group ? 0 : SUPER_AT);
        if (img_disk_bytes(fs->disk, at, super, SUPER_BYTES, err))
            return -1;
    }
    for (uint32_t group = 1; group < fs->groups; group++)
        if (has_super(group) && img_disk_bytes(fs->disk, block_at(fs, group * GROUP_BLOCKS + 1),
                                               descriptors, (size_t)len, err))
            return -1;
    return 0;
}

int img_ext2_add(struct img_disk *disk, uint64_t at, uint64_t len, const unsigned char uuid[16],
                 const char *label, const struct img_file *files, size_t count,
                 struct mir_error *err)
{
    auto_ext2 struct ext2 fs = {.disk = disk, .at = at};
    unsigned char super[SUPER_BYTES] = {0};
    if (img_tree_init(&fs.tree, files, count, strncmp, err))
        return -1;
    if (label && strlen(label) > LABEL_MAX)
        return mir_fail(err, MIR_USAGE, "the label \"%.40s\" has more than 16 characters", label);
    if (!shape(&fs))
        return img_volume_full(len, UINT64_MAX, err);
    if (img_volume_check(disk, at, len, fs.blocks * BLOCK, err))
        return -1;
    put_super(&fs, super, uuid, label ? label : "");
    return add_tables(&fs, super, err) || add_nodes(&fs, err) ? -1 : 0;
}
