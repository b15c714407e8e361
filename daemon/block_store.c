/* SPDX-License-Identifier: ISC */
#include "daemon/block_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/core.h"
#include "daemon/upload.h"
#include "engine_parts.h"
#include "images/block.h"

#define UNUSED_S 3600 /* time between an upload, or a question for it, and its deployment */

char *mird_blocks_folder(const char *state_dir)
{
    return mir_format("%s/%s", state_dir, mird_depot_blocks.folder);
}

int mird_block_find(const struct mird_core *core, const char *sha256, uint64_t *ret_bytes,
                    struct mir_error *err)
{
    mir_auto_free char *path = mird_depot_path(&mird_depot_blocks, core->state_dir, sha256);
    struct stat st;
    if (!stat(path, &st)) {
        (void)utimensat(AT_FDCWD, path, NULL, 0); /* whoever asks is about to deploy it */
        *ret_bytes = (uint64_t)st.st_size;
        return 0;
    }
    if (errno != ENOENT)
        return mir_fail_errno(err, errno, "cannot look at %s", path);
    mir_fail(err, MIR_NOT_FOUND, "the file of block device %.64s is not stored here (any more)",
             sha256);
    return mir_error_hint(err, "upload it: PUT /v1/blocks/%.64s", sha256);
}

int mird_blocks_find(const struct mird_core *core, struct mir_blocks *blocks, struct mir_error *err)
{
    for (unsigned i = 0; i < blocks->count; i++)
        if (mird_block_find(core, blocks->list[i].sha256, &blocks->list[i].bytes, err))
            return mir_error_wrap(err, "%s", blocks->list[i].name);
    return 0;
}

int mird_block_finish(struct mird_upload *upload, struct mir_error *err)
{
    return mird_upload_check(upload, err) ||
                   img_block_bytes_check("that was sent", mird_upload_bytes(upload), err) ||
                   mird_upload_publish(upload, err)
               ? -1
               : 0;
}

/* --- removing --- */

/* With the deploy lock held, under which a deployment looks for the file and writes that it has it.
 * `but`: an id that does not count. */
static int remove_unused(struct mird_engine *engine, const char *sha256, const char *but,
                         struct mir_error *err)
{
    char user[MIR_NAME_TEXT];
    mir_auto_free char *path = mird_depot_path(&mird_depot_blocks, engine->core->state_dir, sha256);
    int used = mird_store_block_user(engine->core->store, sha256, but, user, err);
    if (used > 0) {
        mir_fail(err, MIR_CONFLICT, "the block device is one of '%s'", user);
        return mir_error_hint(err, "end it first: mirage-deploy rm %s", user);
    }
    if (used < 0)
        return -1;
    return unlink(path) && errno != ENOENT ? mir_fail_errno(err, errno, "cannot remove %s", path)
                                           : 0;
}

int mird_block_forget(struct mird_engine *engine, const char *sha256, struct mir_error *err)
{
    uint64_t bytes;
    pthread_mutex_lock(&engine->deploy_lock);
    int rc =
        mird_block_find(engine->core, sha256, &bytes, err) || remove_unused(engine, sha256, "", err)
            ? -1
            : 0;
    pthread_mutex_unlock(&engine->deploy_lock);
    return rc;
}

static void try_remove(struct mird_engine *engine, const char *sha256, const char *but)
{
    struct mir_error err = {0};
    if (remove_unused(engine, sha256, but, &err) && err.kind != MIR_CONFLICT)
        mir_log(MIR_LOG_WARN, "engine", "the block device %.16s: %s", sha256, err.text);
}

void mird_blocks_release(struct mird_engine *engine, const char *id,
                         const struct mir_blocks *blocks)
{
    if (!blocks->count)
        return;
    pthread_mutex_lock(&engine->deploy_lock);
    for (unsigned i = 0; i < blocks->count; i++)
        try_remove(engine, blocks->list[i].sha256, id);
    pthread_mutex_unlock(&engine->deploy_lock);
}

static bool is_new(int dir_fd, const char *name, int64_t now_s)
{
    struct stat st;
    return fstatat(dir_fd, name, &st, 0) || now_s - st.st_mtime < UNUSED_S;
}

void mird_blocks_sweep(struct mird_engine *engine)
{
    mir_auto_free char *folder = mird_blocks_folder(engine->core->state_dir);
    int64_t now_s = mir_now_s(engine->core->clock);
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    pthread_mutex_lock(&engine->deploy_lock);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (mir_sha256_valid(entry->d_name) && !is_new(dirfd(dir), entry->d_name, now_s))
            try_remove(engine, entry->d_name, "");
    pthread_mutex_unlock(&engine->deploy_lock);
    closedir(dir);
}
