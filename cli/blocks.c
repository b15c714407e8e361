/* SPDX-License-Identifier: ISC */
/* --block NAME=FILE: opened, looked at and hashed before anything is sent; sent like the kernel. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/memory.h"
#include "deploy.h"
#include "images/block.h"
#include "images/digest.h"
#include "images/helper.h"

static size_t names_of(const struct cmd_blocks *blocks, const char *ret[IMG_BLOCKS_MAX])
{
    for (size_t i = 0; i < blocks->count; i++)
        ret[i] = blocks->list[i].name;
    return blocks->count;
}

static int name_it(const struct cmd_blocks *blocks, const char *word, struct cmd_block *ret,
                   struct mir_error *err)
{
    char name[2 * IMG_BLOCK_NAME_MAX] = "";
    const char *names[IMG_BLOCKS_MAX];
    size_t len, count = names_of(blocks, names);
    if (img_block_word(word, &len, &ret->path, err))
        return -1;
    memcpy(name, word, len < sizeof name ? len : sizeof name - 1); /* too long: refused by that */
    if (img_block_name_check(names, count, name, err))
        return -1;
    return mir_copy(ret->name, sizeof ret->name, name);
}

static int open_file(struct cmd_block *block, struct mir_error *err)
{
    struct stat st;
    if (img_open_file(block->path, &block->fd, err)) {
        mir_error_wrap(err, "the block device %s", block->name);
        return mir_error_hint(err, "give a file with its content: --block %s=FILE", block->name);
    }
    if (fstat(block->fd, &st))
        return mir_fail_errno(err, errno, "%s", block->path);
    return img_block_bytes_check(block->name, (uint64_t)st.st_size, err)
               ? mir_error_wrap(err, "%s", block->path)
               : img_digest_fd(block->fd, block->path, block->sha256, err);
}

int cmd_blocks_open(const struct cmd_args *args, struct cmd_blocks *ret, struct mir_error *err)
{
    const char *word;
    for (size_t i = 0; (word = cmd_args_nth(args, OPT_BLOCK, i)); i++) {
        struct cmd_block block = {.fd = -1};
        if (name_it(ret, word, &block, err))
            return -1;
        ret->list[ret->count++] = block;
        if (open_file(&ret->list[ret->count - 1], err))
            return -1;
    }
    return 0;
}

json_t *cmd_blocks_json(const struct cmd_blocks *blocks)
{
    json_t *list = json_array();
    for (size_t i = 0; i < blocks->count; i++)
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", blocks->list[i].name, "sha256",
                                              blocks->list[i].sha256));
    return list;
}

int cmd_blocks_check(const struct cmd_blocks *blocks, const struct mir_kernel *kernel,
                     struct mir_error *err)
{
    const char *names[IMG_BLOCKS_MAX];
    size_t count = names_of(blocks, names);
    return img_blocks_check(kernel, names, count, err);
}

void cmd_blocks_clear(struct cmd_blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->list[i].fd >= 0)
            close(blocks->list[i].fd);
    blocks->count = 0;
}
