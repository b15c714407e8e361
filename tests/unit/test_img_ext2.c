/* SPDX-License-Identifier: ISC */
/* ext2, read back by the rules of the format: every block is used once, and everything is found. */
#include <stdio.h>

#include "volume_help.h"

#define BLOCK ((uint64_t)4096)
#define GROUP ((uint32_t)32768)

static const unsigned char uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* The file system as a reader sees it. */
struct view {
    const struct img_disk *disk;
    uint64_t at;
    uint32_t blocks, groups, group_inodes;
    unsigned char *seen; /* one byte a block: by how many it is used */
};

static uint64_t place(const struct view *v, uint32_t block)
{
    return v->at + block * BLOCK;
}

static void use(struct view *v, uint32_t block)
{
    assert_in_range(block, 0, v->blocks - 1);
    assert_int_equal(v->seen[block]++, 0);
}

static bool has_super(uint32_t group)
{
    static const uint32_t with[] = {0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125};
    for (size_t i = 0; i < MIR_NELEMS(with); i++)
        if (group == with[i])
            return true;
    assert_true(group < 243);
    return false;
}

/* The tables of all groups, checked against each other, and their blocks marked. */
static struct view view_of(const struct img_disk *disk, uint64_t at)
{
    uint64_t super = at + 1024;
    struct view v = {.disk = disk, .at = at, .blocks = le32_at(disk, super + 4)};
    v.group_inodes = le32_at(disk, super + 40);
    v.groups = (v.blocks + GROUP - 1) / GROUP;
    v.seen = calloc(v.blocks, 1);
    uint32_t descriptor_blocks = (uint32_t)((v.groups * 32 + BLOCK - 1) / BLOCK), free_inodes = 0;
    assert_int_equal(le16_at(disk, super + 56), 0xef53);
    assert_int_equal(le32_at(disk, super), v.group_inodes * v.groups);
    assert_int_equal(le32_at(disk, super + 96), 2); /* filetype */
    for (uint32_t g = 0; g < v.groups; g++) {
        uint64_t d = at + BLOCK + (uint64_t)g * 32, copy = place(&v, g * GROUP);
        uint32_t table = le32_at(disk, d + 8);
        for (uint32_t i = 0; has_super(g) && i < 1 + descriptor_blocks; i++)
            use(&v, g * GROUP + i);
        for (unsigned i = 0; g && has_super(g) && i < 136; i += 2)
            assert_int_equal(le16_at(disk, copy + i), i == 90 ? g : le16_at(disk, super + i));
        for (unsigned i = 0; g && has_super(g) && i < 32; i += 4)
            assert_int_equal(le32_at(disk, copy + BLOCK + (uint64_t)(v.groups - 1) * 32 + i),
                             le32_at(disk, at + BLOCK + (uint64_t)(v.groups - 1) * 32 + i));
        use(&v, le32_at(disk, d));
        use(&v, le32_at(disk, d + 4));
        for (uint32_t i = 0; i < v.group_inodes / 32; i++)
            use(&v, table + i);
        assert_int_equal(table / GROUP, g);
        assert_int_equal(le16_at(disk, d + 12), 0);
        free_inodes += le16_at(disk, d + 14);
        for (uint32_t i = 0; i < BLOCK; i++)
            assert_int_equal(byte_at(disk, place(&v, le32_at(disk, d)) + i), 0xff);
    }
    assert_int_equal(free_inodes, le32_at(disk, super + 16));
    return v;
}

static uint64_t inode_at(const struct view *v, uint32_t inode)
{
    assert_in_range(inode, 1, v->group_inodes); /* all in group 0 */
    uint64_t bit = place(v, le32_at(v->disk, v->at + BLOCK + 4)) + (inode - 1) / 8;
    assert_true(byte_at(v->disk, bit) >> (inode - 1) % 8 & 1);
    return place(v, le32_at(v->disk, v->at + BLOCK + 8)) + (uint64_t)(inode - 1) * 128;
}

/* The blocks of an inode, in order, each marked (indirect ones, too); NULL file: a folder. */
struct walk {
    struct view *v;
    const struct img_file *file;
    uint64_t blocks, done, used;
};

static void walk(struct walk *w, uint32_t block, unsigned level)
{
    if (w->done == w->blocks) {
        assert_int_equal(block, 0);
        return;
    }
    use(w->v, block);
    w->used++;
    for (uint64_t i = 0; level && i < 1024; i++)
        walk(w, le32_at(w->v->disk, place(w->v, block) + 4 * i), level - 1);
    if (level)
        return;
    uint64_t from = w->done++ * BLOCK;
    if (w->file) {
        uint64_t left = w->file->len - from;
        assert_true(
            holds(w->v->disk, place(w->v, block), w->file, from, left < BLOCK ? left : BLOCK));
    }
}

static void check_inode(struct view *v, uint32_t inode, const struct img_file *file)
{
    uint64_t at = inode_at(v, inode);
    uint64_t len = le32_at(v->disk, at + 4);
    if (file)
        len |= (uint64_t)le32_at(v->disk, at + 108) << 32;
    struct walk w = {.v = v, .file = file, .blocks = (len + BLOCK - 1) / BLOCK};
    assert_int_equal(le16_at(v->disk, at), file ? 0100644 : 040755);
    assert_true(!file || len == file->len);
    for (unsigned i = 0; i < 15; i++)
        walk(&w, le32_at(v->disk, at + 40 + (uint64_t)4 * i), i < 12 ? 0 : i - 11);
    assert_int_equal(w.done, w.blocks);
    assert_int_equal(le32_at(v->disk, at + 28), w.used * 8);
}

/* The inode of a name in a folder, 0: none; the folder's entries fill its blocks. */
static uint32_t find(const struct view *v, uint32_t folder, const char *name, size_t len)
{
    uint64_t inode = inode_at(v, folder);
    uint32_t found = 0;
    for (unsigned b = 0; b * BLOCK < le32_at(v->disk, inode + 4); b++) {
        uint64_t at = place(v, le32_at(v->disk, inode + 40 + (uint64_t)4 * b)), end = at + BLOCK;
        for (unsigned bytes; at < end; at += bytes) {
            char got[256];
            unsigned name_len = byte_at(v->disk, at + 6);
            bytes = le16_at(v->disk, at + 4);
            assert_true(bytes >= 8 + name_len && bytes % 4 == 0);
            bytes_at(v->disk, at + 8, got, name_len);
            if (name_len == len && !memcmp(got, name, len))
                found = le32_at(v->disk, at);
        }
        assert_true(at == end);
    }
    return found;
}

/* Folders are named d or e in these tests; all of them are checked with the first file in them. */
static uint32_t look_up(struct view *v, const char *path, bool *checked)
{
    uint32_t inode = 2;
    for (const char *name = path; *name;) {
        size_t len = strcspn(name, "/");
        if (!checked[inode])
            check_inode(v, inode, NULL);
        checked[inode] = true;
        inode = find(v, inode, name, len);
        name += len + (name[len] == '/');
    }
    return inode;
}

static int add(struct img_disk *disk, uint64_t at, uint64_t len, const struct img_file *files,
               size_t count, struct mir_error *err)
{
    *disk = disk_of(at + len);
    return img_ext2_add(disk, at, len, uuid, "label", files, count, err) || img_disk_seal(disk, err)
               ? -1
               : 0;
}

/* Everything is where it has to be, and every block is used once. Returns the groups. */
static uint32_t check(const struct img_file *files, size_t count)
{
    uint64_t len = img_ext2_bytes(files, count);
    bool checked[2048] = {false};
    struct img_disk disk;
    struct mir_error err = {0};
    if (add(&disk, MIB, len, files, count, &err))
        fail_msg("%s %s", err.text, err.hint);
    assert_true(img_disk_is_sequential(&disk));
    struct view v = view_of(&disk, MIB);
    assert_int_equal(v.blocks, len / BLOCK);
    for (size_t i = 0; i < count; i++)
        check_inode(&v, look_up(&v, files[i].path, checked), &files[i]);
    if (!count)
        check_inode(&v, 2, NULL);
    for (uint32_t b = 0; b < v.blocks; b++)
        if (v.seen[b] != 1)
            fail_msg("block %u of %u is used %u times", b, v.blocks, v.seen[b]);
    free(v.seen);
    img_disk_clear(&disk);
    return v.groups;
}

/* Where the kind of pointer changes: 12 direct, 1024 more through one block, 1024 * 1024 more
 * through two, and so on. The borders of the last kind are files of 4 GiB. */
static void test_borders_of_pointers(void **state)
{
    static const uint64_t blocks[] = {0,
                                      1,
                                      2,
                                      11,
                                      12,
                                      13,
                                      14,
                                      13 + 1023,
                                      12 + 1024 + 1,
                                      12 + 1024 + 1024 + 1,
                                      12 + 1024 + 1024 * 1024 + 1};
    (void)state;
    for (size_t i = 0; i < MIR_NELEMS(blocks); i++)
        for (int less = 0; less < 3; less++) {
            uint64_t len = blocks[i] * BLOCK;
            if (less && (!blocks[i] || blocks[i] > 1024 * 1024)) /* 4 GiB take their time */
                continue;
            len -= less == 2 ? BLOCK : (uint64_t)less; /* the block, but for a byte, not at all */
            struct img_file files[] = {input_file("kernel", 12345, len),
                                       {"small", 6, (const unsigned char *)"small\n", 0}};
            check(files, 2);
        }
}

/* A file that ends with the last block of a group, one before, one behind it; so that the next
 * group has tables, and a single block. */
static void test_borders_of_groups(void **state)
{
    (void)state;
    for (uint32_t groups = 1; groups <= 11; groups += groups < 4 ? 1 : 7) {
        struct img_file file = input_file("kernel", 0, groups * GROUP * BLOCK);
        while (img_ext2_bytes(&file, 1) > groups * GROUP * BLOCK)
            file.len -= BLOCK;
        assert_int_equal(img_ext2_bytes(&file, 1), groups * GROUP * BLOCK);
        assert_int_equal(check(&file, 1), groups);
        file.len += 1;
        assert_int_equal(check(&file, 1), groups + 1);
        file.len -= BLOCK + 1;
        assert_int_equal(check(&file, 1), groups);
    }
}

/* More groups than descriptors in one block. */
static void test_many_groups(void **state)
{
    struct img_file file = input_file("kernel", 0, 129 * GROUP * BLOCK);
    struct img_disk disk;
    (void)state;
    assert_int_equal(add(&disk, 0, 17 * GIB, &file, 1, NULL), 0);
    struct view v = view_of(&disk, 0);
    assert_in_range(v.groups, 129, 131);
    free(v.seen);
    img_disk_clear(&disk);
}

static void test_folders_of_many_blocks(void **state)
{
    static char paths[IMG_FILES_MAX][256 + 32];
    struct img_file files[IMG_FILES_MAX];
    (void)state;
    for (unsigned len = 2; len <= 255; len += len < 8 ? 1 : 13) {
        for (size_t i = 0; i < IMG_FILES_MAX; i++) {
            char *name = paths[i] + snprintf(paths[i], sizeof paths[i], "%s", i % 4 ? "d/" : "");
            memset(name, 'x', len);
            name[len] = '\0';
            name[0] = (char)('0' + i);
            files[i] = input_file(paths[i], i * i, i);
        }
        check(files, IMG_FILES_MAX);
    }
}

static void test_random_trees(void **state)
{
    static char paths[IMG_FILES_MAX][300];
    uint64_t random = 7;
    (void)state;
    check(NULL, 0);
    for (int round = 0; round < 40; round++) {
        struct img_file files[IMG_FILES_MAX];
        size_t count = next_random(&random) % (IMG_FILES_MAX + 1);
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            size_t at = 0;
            for (uint64_t depth = next_random(&random) % 7; depth; depth--)
                at += (size_t)snprintf(paths[i] + at, 9, "%c/", "de"[next_random(&random) % 2]);
            snprintf(paths[i] + at, sizeof paths[i] - at, "f%zu", i);
            files[i] = input_file(paths[i], sum, next_random(&random) % (MIB / 8));
            sum += files[i].len;
        }
        check(files, count);
    }
}

static void test_refused(void **state)
{
    struct img_file file = input_file("kernel", 0, MIB);
    uint64_t len = img_ext2_bytes(&file, 1);
    struct img_disk disk;
    struct mir_error err = {0};
    (void)state;
    assert_int_equal(add(&disk, 0, len - 512, &file, 1, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_true(strstr(err.hint, "it takes"));
    img_disk_clear(&disk);
    disk = disk_of(4 * MIB);
    assert_int_equal(img_ext2_add(&disk, 1, len, uuid, NULL, &file, 1, NULL), -1);
    assert_int_equal(img_ext2_add(&disk, 4 * MIB, len, uuid, NULL, &file, 1, NULL), -1);
    assert_int_equal(img_ext2_add(&disk, 0, len, uuid, "seventeen letters", &file, 1, NULL), -1);
    assert_int_equal(img_ext2_add(&disk, 0, len, uuid, "sixteen letters!", &file, 1, NULL), 0);
    file.len = IMG_DISK_BYTES_MAX;
    assert_true(img_ext2_bytes(&file, 1) > IMG_DISK_BYTES_MAX);
    assert_int_equal(img_ext2_add(&disk, 0, 4 * MIB, uuid, NULL, &file, 1, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    file.len = UINT64_MAX;
    assert_true(img_ext2_bytes(&file, 1) > IMG_DISK_BYTES_MAX);
    img_disk_clear(&disk);
}

static void test_sparse_and_the_same(void **state)
{
    struct img_file files[] = {input_file("boot/kernel", 0, 3 * MIB),
                               {"boot/grub/menu.lst", 5, (const unsigned char *)"boot\n", 0}};
    struct img_disk one, two;
    (void)state;
    assert_int_equal(add(&one, MIB, 8 * GIB, files, 2, NULL), 0);
    assert_int_equal(add(&two, MIB, 8 * GIB, files, 2, NULL), 0);
    assert_true(img_disk_written(&one) <= 3 * MIB + 64 * KIB);
    assert_true(same_disks(&one, &two));
    const struct img_extent *last = &one.extents[one.count - 1];
    assert_true(last->at + last->len < MIB + 4 * MIB); /* nothing behind the files */
    assert_int_equal(le32_at(&one, MIB + 1024 + 100), 1);
    img_disk_clear(&one);
    img_disk_clear(&two);
}

/* The feature of files of 2 GiB and more is there where one is, and only there. */
static void test_large_file(void **state)
{
    (void)state;
    for (int large = 0; large < 2; large++) {
        struct img_file file = input_file("kernel", 0, 2 * GIB - 1 + (uint64_t)large);
        struct img_disk disk;
        assert_int_equal(add(&disk, 0, 3 * GIB, &file, 1, NULL), 0);
        assert_int_equal(le32_at(&disk, 1024 + 100), large ? 3 : 1);
        img_disk_clear(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_borders_of_pointers), cmocka_unit_test(test_borders_of_groups),
        cmocka_unit_test(test_many_groups),         cmocka_unit_test(test_folders_of_many_blocks),
        cmocka_unit_test(test_random_trees),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_sparse_and_the_same), cmocka_unit_test(test_large_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
