/* SPDX-License-Identifier: ISC */
/*
 * The end: the machine goes off, and the last line of its console says why. Whoever reads a console
 * by program may rely on the first words of each reason.
 */
#ifndef CAR_OFF_H
#define CAR_OFF_H

enum car_reason {
    CAR_OFF_DEADLINE,
    CAR_OFF_TTL,
    CAR_OFF_GUEST_ENDED,  /* by itself, and nothing says that it went wrong */
    CAR_OFF_GUEST_FAILED, /* a crash, or an exit status */
    CAR_OFF_CONFIGURATION,
    CAR_OFF_MEMORY,
    CAR_OFF_NO_NETWORK,
    CAR_OFF_START_FAILED,
};

/* The first words. */
const char *car_reason_text(enum car_reason reason);

/*
 * Stops every other process but the first, says "power off: REASON: text" (an empty text is left
 * out, with its colon) and ends the machine. Waits at most two seconds for the console and for
 * nothing else: there is no disk to write to. What the kernel does not do by the call is asked for
 * by its emergency key.
 */
_Noreturn void car_off(enum car_reason reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
