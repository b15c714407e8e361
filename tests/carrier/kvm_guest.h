/* SPDX-License-Identifier: ISC */
/* What solo5-hvt would need of the machine, for the program that stands in for it. */
#ifndef KVM_GUEST_H
#define KVM_GUEST_H

#include <stdint.h>

/* Makes a virtual machine with /dev/kvm, as solo5-hvt does, has it compute a * b in 64 bits, and
 * returns the upper half of the product. Says what is missing and ends the program otherwise. */
uint32_t kvm_guest_product(uint64_t a, uint64_t b);

#endif
