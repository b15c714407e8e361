/* SPDX-License-Identifier: ISC */
#include "tree.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

#define SHOWN 60 /* of a path, in a message */

static int refuse(const char *path, const char *why, struct mir_error *err)
{
    return mir_fail(err, MIR_USAGE, "file \"%.*s\"%s: %s", SHOWN, path,
                    strlen(path) > SHOWN ? "…" : "", why);
}

static const char *name_fault(const char *name, size_t len)
{
    if (!len)
        return "an empty name";
    if (len > IMG_NAME_MAX)
        return "a name of more than 255 bytes";
    if (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))
        return "\".\" and \"..\" are no names";
    for (size_t i = 0; i < len; i++)
        if (name[i] < ' ' || name[i] > '~')
            return "a name that is not plain ASCII";
    return NULL;
}

size_t img_tree_in(const struct img_tree *tree, size_t folder, size_t from)
{
    size_t i = from ? from : 1; /* the root is in nothing */
    while (i < tree->count && tree->nodes[i].parent != folder)
        i++;
    return i;
}

uint64_t img_tree_bytes(const struct img_tree *tree)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < tree->count; i++)
        if (tree->nodes[i].file && __builtin_add_overflow(sum, tree->nodes[i].file->len, &sum))
            return UINT64_MAX;
    return sum;
}

/* One name of the path: found in its folder or put there. Returns what is wrong, or NULL. */
static const char *step(struct img_tree *tree, struct img_node node,
                        int (*same)(const char *, const char *, size_t), size_t *at)
{
    size_t i = img_tree_in(tree, node.parent, 0);
    for (; i < tree->count; i = img_tree_in(tree, node.parent, i + 1))
        if (tree->nodes[i].name_len == node.name_len &&
            !same(tree->nodes[i].name, node.name, node.name_len))
            break;
    if (i == tree->count)
        tree->nodes[tree->count++] = node;
    else if (node.file)
        return tree->nodes[i].file ? "it is given twice" : "it is a folder, too";
    else if (tree->nodes[i].file)
        return "one of its folders is a file, too";
    *at = i;
    return NULL;
}

static int add_path(struct img_tree *tree, const struct img_file *file,
                    int (*same)(const char *, const char *, size_t), struct mir_error *err)
{
    const char *name = file->path;
    size_t folder = 0;
    for (unsigned names = 1;; names++) {
        size_t len = strcspn(name, "/");
        bool last = !name[len];
        const char *fault = names > IMG_PATH_NAMES_MAX ? "too many folders" : name_fault(name, len);
        struct img_node node = {name, len, folder, last ? file : NULL};
        if (!fault)
            fault = step(tree, node, same, &folder);
        if (fault)
            return refuse(file->path, fault, err);
        if (last)
            return 0;
        name += len + 1;
    }
}

int img_tree_init(struct img_tree *tree, const struct img_file *files, size_t count,
                  int (*same)(const char *a, const char *b, size_t len), struct mir_error *err)
{
    *tree = (struct img_tree){0};
    if (count > IMG_FILES_MAX)
        return mir_fail(err, MIR_USAGE, "%zu files; at most %d", count, IMG_FILES_MAX);
    tree->nodes = mir_calloc(1 + count * IMG_PATH_NAMES_MAX, sizeof *tree->nodes);
    tree->nodes[tree->count++] = (struct img_node){.name = ""};
    for (size_t i = 0; i < count; i++)
        if (add_path(tree, &files[i], same, err))
            return -1;
    return 0;
}

void img_tree_clear(struct img_tree *tree)
{
    free(tree->nodes);
    *tree = (struct img_tree){0};
}

int img_file_put(struct img_disk *disk, uint64_t at, const struct img_file *file, uint64_t from,
                 uint64_t len, struct mir_error *err)
{
    if (!len)
        return 0;
    return file->bytes ? img_disk_bytes(disk, at, file->bytes + from, (size_t)len, err)
                       : img_disk_input(disk, at, file->input_at + from, len, err);
}

int img_volume_check(const struct img_disk *disk, uint64_t at, uint64_t len, uint64_t least,
                     struct mir_error *err)
{
    if (at % IMG_SECTOR || len % IMG_SECTOR || at > disk->size || len > disk->size - at)
        return mir_fail(err, MIR_USAGE,
                        "a file system of %" PRIu64 " bytes at %" PRIu64
                        " is not made of whole sectors of the disk",
                        len, at);
    return len < least ? img_volume_full(len, least, err) : 0;
}

int img_volume_full(uint64_t len, uint64_t needed, struct mir_error *err)
{
    mir_fail(err, MIR_USAGE, "the files do not fit into a file system of %" PRIu64 " KiB",
             len >> 10);
    if (needed > IMG_DISK_BYTES_MAX)
        return mir_error_hint(err, "nor into the largest there is");
    return mir_error_hint(err, "it takes %" PRIu64 " KiB", needed >> 10);
}
