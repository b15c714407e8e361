/* SPDX-License-Identifier: ISC */
/*
 * The programs that a carrier runs, and waiting for them: no wait passes over the end of a program
 * that has to be there.
 */
#ifndef CAR_PROC_H
#define CAR_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CAR_PROGRAMS_MAX 8

struct car_program {
    const char *name; /* for the console; borrowed */
    pid_t pid;
    bool vital; /* without it nothing goes on */
    bool ended;
    int status; /* as waitpid() gives it */
};

/* Zero, with car_programs_init, is a good start. One thread; one of them in a process. */
struct car_programs {
    struct car_program rows[CAR_PROGRAMS_MAX];
    size_t n;
    int signal_fd; /* SIGCHLD */
};

/* 0, or -1 (errno). */
int car_programs_init(struct car_programs *programs);

/*
 * Starts argv[0] (a path; NULL ends the list) with the carrier's environment. ret_output, when not
 * NULL, is the reading end of a pipe that standard output and error go to; otherwise both go to the
 * console. The row, owned by programs; NULL (errno) when it could not be started.
 */
struct car_program *car_program_start(struct car_programs *programs, const char *name,
                                      const char *const argv[], bool vital, int *ret_output);

enum car_wait {
    CAR_WAIT_READABLE, /* or at its end */
    CAR_WAIT_TIMEOUT,
    CAR_WAIT_ENDED, /* a vital program, or the one that was waited for */
};

/*
 * Waits until one of fds (at most 3; -1 is passed over) is readable, its index in *ret_which, or a
 * vital program has ended, in *ret_program. timeout_ms < 0: for ever.
 */
enum car_wait car_wait_readable(struct car_programs *programs, const int fds[], size_t fds_n,
                                int timeout_ms, size_t *ret_which,
                                struct car_program **ret_program);

/* Waits for one program to end. CAR_WAIT_ENDED: program, or a vital one, is in *ret_program. */
enum car_wait car_wait_program(struct car_programs *programs, struct car_program *program,
                               int timeout_ms, struct car_program **ret_program);

/* "exit status 2", "signal 9 (Killed)"; ret has cap bytes. Returns ret. */
const char *car_status_text(int status, char *ret, size_t cap);

/* The calling process's place among those that the kernel may kill for memory: -1000 is none. */
void car_proc_spare(int score);

/* 0, or -1 (errno). The text goes into the file in one write. */
int car_file_put(const char *path, const char *text, size_t len);

#endif
