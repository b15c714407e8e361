/* SPDX-License-Identifier: ISC */
/* A numbered fault point at each call by which a process acts on the world: what is written,
 * synced, sent, received, named, removed, and who is started. */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "meddle.h"
#include "meddle_read.h"

#define WHAT 40

static enum meddle_mode plan_mode;
static char plan_name[MEDDLE_NAME];
static uint32_t plan_at;

void meddle_plan(const char *text)
{
    static const struct {
        const char *word;
        enum meddle_mode mode;
    } words[] = {{"kill:", MEDDLE_KILL},
                 {"fail-before:", MEDDLE_FAIL_BEFORE},
                 {"fail-after:", MEDDLE_FAIL_AFTER},
                 {"hang:", MEDDLE_HANG}};
    const char *mark = strchr(text, '#');
    for (size_t i = 0; mark && i < sizeof words / sizeof *words; i++)
        if (!strncmp(text, words[i].word, strlen(words[i].word))) {
            plan_mode = words[i].mode;
            text += strlen(words[i].word);
            snprintf(plan_name, sizeof plan_name, "%.*s", (int)(mark - text), text);
            plan_at = (uint32_t)strtoul(mark + 1, NULL, 10);
        }
    char memory[MEDDLE_NAME];
    snprintf(memory, sizeof memory, "%s.malloc", meddle_role);
    if (!strcmp(plan_name, memory))
        meddle_malloc_at = plan_at;
}

/* --- the names of points --- */

/* Numbers and ids differ from run to run, so they become N; so does the world's own folder. */
static void plain(const char *path, char out[WHAT])
{
    const char *name = strrchr(path, '/');
    size_t len = 0;
    name = name ? name + 1 : path;
    if (!strncmp(name, "mir-", 4))
        name = "mir-00";
    while (*name && len < WHAT - 2) {
        size_t word = 0, digits = 0;
        while (isalnum((unsigned char)name[word]))
            digits += isdigit((unsigned char)name[word++]) != 0;
        if (word == 0) {
            out[len++] = *name == '#' ? '_' : *name;
            name++;
        } else if (digits == word || (digits && word >= 8)) {
            out[len++] = 'N';
            name += word;
        } else {
            for (size_t i = 0; i < word && len < WHAT - 2; i++)
                out[len++] = name[i];
            name += word;
        }
    }
    out[len] = '\0';
}

/* What a descriptor is: 'f' and the name of a file, 's' and "socket" or "pipe"; 0 for what is
 * nobody's business (logs, timers, the points' own file). */
static char name_fd(int fd, char out[WHAT])
{
    char link[40], path[512];
    struct stat st;
    if (fd <= STDERR_FILENO || fstat(fd, &st))
        return 0;
    if (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)) {
        snprintf(out, WHAT, "%s", S_ISSOCK(st.st_mode) ? "socket" : "pipe");
        return 's';
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return 0;
    path[n] = '\0';
    plain(path, out);
    return strncmp(out, "points-", 7) ? 'f' : 0;
}

/* --- passing one --- */

/* Passed: MEDDLE_NONE, or what the caller has to do (fail before or after). */
static enum meddle_mode pass(const char *call, const char *what)
{
    char name[MEDDLE_NAME];
    if (!meddle_page || meddle_start_number != atomic_load(&meddle_page->start))
        return MEDDLE_NONE;
    snprintf(name, sizeof name, "%s.%s%s%.39s", meddle_role, call, *what ? "." : "", what);
    uint32_t at = atomic_fetch_add(&meddle_page->count, 1);
    if (at < MEDDLE_RECORDS)
        memcpy(meddle_page->names[at], name, sizeof name);
    if (plan_mode == MEDDLE_NONE || strcmp(name, plan_name) != 0 ||
        atomic_fetch_add(&meddle_page->planned, 1) + 1 != plan_at)
        return MEDDLE_NONE;
    if (plan_mode == MEDDLE_KILL)
        kill(getpid(), SIGKILL);
    while (plan_mode == MEDDLE_HANG || plan_mode == MEDDLE_KILL)
        pause();
    return plan_mode;
}

/* `file` and `stream` are the call's names for the two kinds of descriptors; NULL: of no interest.
 */
static enum meddle_mode pass_fd(const char *file, const char *stream, int fd)
{
    char what[WHAT];
    enum meddle_mode mode = MEDDLE_NONE;
    int saved = errno;
    if (meddle_page && !strcmp(meddle_role, "image")) { /* its sandbox would not let us look */
        snprintf(what, sizeof what, "fd%d", fd);
        mode = pass(file ? file : stream, what);
    } else if (meddle_page) {
        char kind = name_fd(fd, what);
        const char *call = kind == 'f' ? file : stream;
        mode = kind && call ? pass(call, what) : MEDDLE_NONE;
    }
    errno = saved;
    return mode;
}

static enum meddle_mode pass_path(const char *call, const char *path)
{
    char what[WHAT];
    int saved = errno;
    plain(path, what);
    enum meddle_mode mode = pass(call, what);
    errno = saved;
    return mode;
}

/* Run `call` as the mode says: not at all, or with its answer lost. */
#define AS(mode, type, error, call)                                                                \
    do {                                                                                           \
        enum meddle_mode as_mode = (mode);                                                         \
        type as_rc = as_mode == MEDDLE_FAIL_BEFORE ? (type)-1 : (call);                            \
        if (as_mode != MEDDLE_NONE) {                                                              \
            errno = (error);                                                                       \
            as_rc = (type)-1;                                                                      \
        }                                                                                          \
        return as_rc;                                                                              \
    } while (0)

#define NEXT(name) (__extension__(__typeof__(&(name))) dlsym(RTLD_NEXT, #name))

/* --- files --- */

ssize_t write(int fd, const void *data, size_t len)
{
    AS(pass_fd("write", "send", fd), ssize_t, EIO, NEXT(write)(fd, data, len));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    AS(pass_fd("write", "send", fd), ssize_t, EIO, NEXT(pwrite)(fd, data, len, at));
}

/* Files are large here, so the above is pwrite64; this is the one of programs where they are not.
 */
ssize_t small_pwrite(int fd, const void *data, size_t len, off_t at) __asm__("pwrite");

ssize_t small_pwrite(int fd, const void *data, size_t len, off_t at)
{
    return pwrite(fd, data, len, at);
}

int fsync(int fd)
{
    AS(pass_fd("fsync", "send", fd), int, EIO, NEXT(fsync)(fd));
}

int fdatasync(int fd)
{
    AS(pass_fd("fsync", "send", fd), int, EIO, NEXT(fdatasync)(fd));
}

int ftruncate(int fd, off_t len)
{
    AS(pass_fd("truncate", "send", fd), int, EIO, NEXT(ftruncate)(fd, len));
}

int rename(const char *from, const char *to)
{
    AS(pass_path("rename", to), int, EIO, NEXT(rename)(from, to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    AS(pass_path("rename", to), int, EIO, NEXT(renameat)(from_dir, from, to_dir, to));
}

int unlink(const char *path)
{
    AS(pass_path("unlink", path), int, EIO, NEXT(unlink)(path));
}

int unlinkat(int dir, const char *path, int flags)
{
    AS(pass_path("unlink", path), int, EIO, NEXT(unlinkat)(dir, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
    AS(pass_path("mkdir", path), int, EIO, NEXT(mkdir)(path, mode));
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    AS(pass_path("mkdir", path), int, EIO, NEXT(mkdirat)(dir, path, mode));
}

int symlinkat(const char *target, int dir, const char *path)
{
    AS(pass_path("symlink", path), int, EIO, NEXT(symlinkat)(target, dir, path));
}

/* --- what is sent and received --- */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    AS(pass_fd(NULL, "send", fd), ssize_t, EPIPE, NEXT(send)(fd, data, len, flags));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    AS(pass_fd(NULL, "send", fd), ssize_t, EPIPE, NEXT(sendmsg)(fd, message, flags));
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    AS(pass_fd(NULL, "send", fd), ssize_t, EPIPE, NEXT(writev)(fd, parts, count));
}

ssize_t recv(int fd, void *data, size_t len, int flags)
{
    AS(pass_fd(NULL, "recv", fd), ssize_t, ECONNRESET, NEXT(recv)(fd, data, len, flags));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    AS(pass_fd(NULL, "recv", fd), ssize_t, ECONNRESET, NEXT(recvmsg)(fd, message, flags));
}

ssize_t read(int fd, void *data, size_t len)
{
    if (meddle_timer_was_set(fd)) {
        errno = ECANCELED;
        return -1;
    }
    AS(pass_fd(NULL, "recv", fd), ssize_t, EIO, NEXT(read)(fd, data, len));
}

/* What read and recv are called where the compiler knows the size of the buffer. */
ssize_t __read_chk(int fd, void *data, size_t len, size_t room);
ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags);

ssize_t __read_chk(int fd, void *data, size_t len, size_t room)
{
    if (len > room)
        abort();
    return read(fd, data, len);
}

ssize_t __recv_chk(int fd, void *data, size_t len, size_t room, int flags)
{
    if (len > room)
        abort();
    return recv(fd, data, len, flags);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    AS(pass_fd(NULL, "connect", fd), int, ECONNREFUSED, NEXT(connect)(fd, address, size));
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    AS(pass_fd(NULL, "accept", fd), int, ECONNABORTED, NEXT(accept4)(fd, address, size, flags));
}

/* --- who is started --- */

static int is_ours(const char *program)
{
    return strstr(program, "/mirage-") || !strcmp(program, "/proc/self/exe");
}

int posix_spawn(pid_t *ret, const char *program, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
    enum meddle_mode mode = pass_path("spawn", program);
    if (mode == MEDDLE_FAIL_BEFORE)
        return EAGAIN;
    char **words = meddle_page && is_ours(program) ? meddle_environment(env) : NULL;
    int rc = NEXT(posix_spawn)(ret, program, actions, attr, argv, words ? words : env);
    free(words);
    return rc;
}

static pid_t fork_with_clock(void)
{
    meddle_clock_hold();
    pid_t pid = NEXT(fork)();
    int saved = errno;
    meddle_clock_release();
    errno = saved;
    return pid;
}

pid_t fork(void)
{
    AS(pass("fork", ""), pid_t, EAGAIN, fork_with_clock());
}

/* Ours goes on as ours (the daemon's other program). */
int execv(const char *program, char *const argv[])
{
    enum meddle_mode mode = pass_path("exec", program);
    if (mode != MEDDLE_NONE) {
        errno = EIO;
        return -1;
    }
    char **words = meddle_page && is_ours(program) ? meddle_environment(environ) : NULL;
    int rc = execve(program, argv, words ? words : environ);
    free(words);
    return rc;
}
