/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM user device as a model for spin: the life of requests between two
 * vCPUs, the master, and up to three slaves, of which two may be alive at a time.
 *
 * States, stages, functions and fields have the names of virt/kvm/devuser. What
 * the code does with devuser->lock held is one step here (d_step or atomic),
 * and everything between two such steps can happen in any order: the steps of a
 * read() among them, which takes requests, copies them, and puts back what did not
 * arrive. A time-out, signals, the slave's death, its silence, its revocation, a
 * fault of its read(), a late reply, an abandon, an exit that is not for the load
 * that was kept, and a close of the master may come at any time, or not at all.
 *
 * What is shown, for every order of events:
 *
 *   exactly once   each store is read by a slave as new at most once, and in the
 *                  end it has been answered or, only if the device failed,
 *                  discarded: one of the two, once. One that the master abandoned
 *                  is discarded only if it was not queued.
 *   R1             requests are queued in the order of their vCPU's program, and
 *                  read in the order in which they were queued.
 *   R3             a load completes with the reply to itself, and only after
 *                  every older store of its vCPU was answered or discarded: also
 *                  one that a callback has queued, and each element of string I/O.
 *   R6             the reply to what was read is refused only if the slave or the
 *                  device has been lost since.
 *   R7, R8         all ones are read only where something failed; a slave that goes
 *                  on answering is not failed, one that has stopped is.
 *   R10            an access is queued once, however many signals come.
 *   R14            the master's wait ends, and only when all that was queued
 *                  before was answered or discarded.
 *   R16            a non-posted store completes when it has been answered or
 *                  discarded, or was abandoned.
 *   R17            a doorbell rings once, and only when every older store of its
 *                  vCPU was answered or discarded.
 *   R18            once a revocation has returned, the slave rings no doorbell, and
 *                  what is left of its reads and writes changes nothing.
 *   a load that nobody waits for any more is not read by a slave.
 *   no lost wake-up, no deadlock: every process comes to its end, also with a slave
 *                  that leaves unanswered what was abandoned; spin reports one that
 *                  does not as an invalid end state.
 *
 * Deliberately smaller than the code: one or two requests of the device's own,
 * two elements of string I/O, two requests in a read(). The shadow image, which
 * is served and revoked as the doorbells are, is left out, and so are the attempts of
 * a vCPU that spins, which are the same as those of one that sleeps. There is one
 * device: what a vCPU's devices share is its devuser_access alone, and an access to
 * another one is to the load that was kept what an exit to elsewhere is.
 *
 * What the vCPUs do and what may happen in a run is said by the macros that follow;
 * lab/model/model.sh has the combinations.
 */

/* What a vCPU does. String I/O has two elements, the others have one. */
#define NOTHING		0
#define LOAD		1
#define IN		2	/* string I/O: loads */
#define STORE		3	/* posted, as is OUT */
#define OUT		4	/* string I/O: stores */
#define BELL		5	/* a posted store that the slave's doorbell matches */
#define NP_STORE	6	/* to a non-posted range, as are those that follow */
#define NP_OUT		7
#define NP_BELL		8

#ifndef SCENARIO
#define DIES		0	/* the first slave may be closed, at any time */
#define HOLD		0	/* KVM_DEV_USER_SLAVE_HOLD */
#define REPLAY		0	/* KVM_DEV_USER_SLAVE_REPLAY */
#define EXPIRES		0	/* this many times a deadline may pass */
#define STOPS		0	/* the first slave may go silent; deadlines pass then */
#define SIGNALS		0	/* this many signals may come, for vCPU 0 */
#define ABANDONS	0	/* the master may abandon */
#define MUTE		0	/* no slave answers a load from before that */
#define REVOKES		0	/* the master may revoke a slave */
#define CLOSES		0	/* the master may be closed early */
#define FAULTS		0	/* a slave's read() may fault, once */
#define WAITS		0	/* the master waits until its device is quiet */
#define EARLY		0	/* loads may be queued by the callback */
#define DIVERTS		0	/* the exit may not be for the load that was kept; */
				/* 2: and all loads are from the same place */
#define MOVES		0	/* the bus may come twice with a load */
#define POOL		1	/* DEVUSER_STORES_MAX */
#define A0		STORE	/* what vCPU 0 does */
#define A1		STORE
#define A2		LOAD
#define B0		LOAD	/* what vCPU 1 does */
#define B1		NOTHING
#endif

/* What a scenario has no use for is left out, for the compiler's sake. */
#define TIMED		(EXPIRES || STOPS)
#define VCPUS		2
#define SLOTS		(POOL + VCPUS)
#define SLAVES		3
#define BATCH		2
#define NONE		255

mtype = { IDLE, LIVE, HELD, FAILED, GONE };		/* devuser->state */
mtype = { FREE, PENDING, SENT };			/* devuser_request->stage */
mtype = { POSTED, AWAITED, ABANDONED };			/* devuser_request->waiter */
mtype = { RUNNING, SLEEPING };				/* a task */

/* The accesses of vCPU 0 are 0 to 2, those of vCPU 1 are 3 and 4. */
#define FIRST(cpu)	((cpu) == 0 -> 0 : 3)
#define LAST(cpu)	((cpu) == 0 -> 2 : 4)
#define KIND(acc)	kinds[acc]
#define IS_STRING(kind)	((kind) == IN || (kind) == OUT || (kind) == NP_OUT)
#define IS_LOAD(kind)	((kind) == LOAD || (kind) == IN)
#define IS_STORE(kind)	((kind) >= STORE)
#define IS_POSTED(kind)	((kind) >= STORE && (kind) <= BELL)
#define IS_BELL(kind)	((kind) == BELL || (kind) == NP_BELL)
#define HAS_BELLS	(IS_BELL(A0) || IS_BELL(A1) || IS_BELL(A2) || IS_BELL(B0) || IS_BELL(B1))
#define COUNT(acc)	counts[acc]

/* They are set once, and no part of a state. */
#define ACCESSES	5
hidden byte kinds[ACCESSES], counts[ACCESSES];

/* Each of their elements is one op, which stands for all that a request says. */
#define OPS		10
#define OP(acc, element)	(2 * (acc) + (element))
#define OP_KIND(op)	KIND((op) / 2)
#define OWNER(op)	((op) / 6)

/* --- struct devuser ---------------------------------------------------------- */

typedef request {
	mtype stage;
	mtype waiter;
	byte element;
	bool replayed;			/* KVM_DEV_USER_REPLAYED */
	byte op;
	byte seq;
}

mtype state = IDLE;
bool starved;
byte slave;				/* which one, 0 when there is none */
byte doorbells;				/* whose, 0 when there are none */
byte next_seq = 1;
byte abandons;
bool notified;				/* the master's eventfd */
request rq[SLOTS];			/* the pool, then the scores' own */
chan pending = [SLOTS] of { byte };	/* slots, oldest first */
chan sent = [SLOTS] of { byte };

typedef score_t {
	byte posted;
	byte awaited;
	byte data[2];			/* the ops that were answered, or NONE: ones */
	bool waiting;			/* on score->wait */
	mtype task;
	bool signal;
	bool expired;			/* the deadline has passed */
	byte oldest;			/* devuser_access->oldest */
	bool in_srcu;			/* in a callback on the I/O bus */
}
score_t score[VCPUS];

/* Those of slave N in place N. */
bool reader_waiting[SLAVES + 1];
mtype reader_task[SLAVES + 1] = RUNNING;
bool quiet_waiting;
mtype quiet_task = RUNNING;

/* --- what is asserted of ---------------------------------------------------- */

#define QUEUED		1		/* by the vCPU */
#define READ		2		/* by a slave, as new */
#define SHOWN		4		/* to a slave, also as replayed */
#define OVER		8		/* answered, discarded, or done by a doorbell */
#define RUNG		16		/* by a doorbell */
#define VOID		32		/* discarded without having been queued */
byte fate[OPS];

bool failed_once, abandoned_once;
byte next_op[VCPUS];			/* the lowest that may be queued */
bool moved[VCPUS];			/* the oldest request has been answered */
byte cut;				/* whose revocation has returned */
byte abandoned_seq;			/* next_seq when the master abandoned */
bool silent;				/* a slave has stopped to answer */
byte done_vcpus;
byte slaves;				/* that have been made */

#define OWN(cpu)	(POOL + (cpu))
#define IS_OWN(slot)	((slot) >= POOL)
#define IS_DEAD		(state == FAILED || state == GONE)

/* No part of a state: nothing that a step leaves here is used by another. */
hidden byte f_slot, f_new, f_count, f_seq, f_i, f_j, f_ok, f_again;

/* What happens to an op, and has not happened before. */
inline once(an_op, that) {
	assert(!(fate[an_op] & that));
	fate[an_op] = fate[an_op] | that
}

inline discard(an_op) {
	assert(failed_once || abandoned_once);
	assert(!(fate[an_op] & QUEUED));
	once(an_op, OVER);
	once(an_op, VOID)
}

inline check_older_stores(cpu, an_op) {
	f_j = OP(FIRST(cpu), 0);
	do
	:: f_j < an_op ->
		assert(!IS_STORE(OP_KIND(f_j)) || f_j % 2 >= COUNT(f_j / 2) ||
		       (fate[f_j] & OVER));
		f_j++
	:: else -> break
	od
}

/* R7: while the slave answers what is oldest, time is given anew. */
inline check_progress(a_seq) {
	moved[0] = moved[0] || (a_seq == score[0].oldest);
	moved[1] = moved[1] || (a_seq == score[1].oldest)
}

/* --- scoreboard.c, devuser_private.h ------------------------------------------ */

inline score_wake(cpu) {
	if
	:: score[cpu].waiting -> score[cpu].task = RUNNING
	:: else
	fi
}

inline score_unpost(cpu) {
	assert(score[cpu].posted > 0);
	score[cpu].posted--;
	if
	:: score[cpu].posted == 0 -> score_wake(cpu)
	:: else
	fi
}

inline score_answer(cpu) {
	assert(score[cpu].awaited > 0);
	score[cpu].awaited--;
	if
	:: score[cpu].awaited == 0 -> score_wake(cpu)
	:: else
	fi
}

#define SCORE_IS_ANSWERED(cpu) (score[cpu].awaited == 0 && score[cpu].posted == 0)

inline score_wake_all() {
	score_wake(0);
	score_wake(1)
}

/* --- slave.c ------------------------------------------------------------------ */

inline slave_wake() {
	if
	:: slave != 0 && reader_waiting[slave] -> reader_task[slave] = RUNNING
	:: else
	fi
}

#define SLAVE_HAS_NEWS(me) (len(pending) > 0 || slave != (me) || state != LIVE)

/* --- queue.c: all with devuser->lock held -------------------------------------- */

/* f_new is the slot, or NONE. */
inline queue_get() {
	f_new = 0;
	do
	:: f_new < POOL && rq[f_new].stage != FREE -> f_new++
	:: f_new < POOL && rq[f_new].stage == FREE -> break
	:: f_new == POOL -> f_new = NONE; break
	od
}

inline queue_add(slot, an_op) {
	assert(rq[slot].stage == FREE);
	once(an_op, QUEUED);
	assert(an_op >= next_op[OWNER(an_op)]);
	next_op[OWNER(an_op)] = an_op + 1;
	rq[slot].op = an_op;
	rq[slot].seq = next_seq;
	next_seq++;
	rq[slot].stage = PENDING;
	pending ! slot;
	if
	:: len(pending) == 1 -> slave_wake()
	:: else
	fi
}

/* f_ok is whether the guest may go on. */
inline queue_post(cpu, an_op) {
	f_ok = true;
	if
	:: IS_DEAD -> discard(an_op)
	:: else ->
		queue_get();
		if
		:: f_new == NONE -> f_ok = false
		:: else ->
			rq[f_new].waiter = POSTED;
			score[cpu].posted++;
			queue_add(f_new, an_op)
		fi
	fi
}

/* f_ok is whether the element has been queued. */
inline queue_await(cpu, an_op, an_element) {
	if
	:: an_element > 0 -> queue_get()
	:: an_element == 0 && rq[OWN(cpu)].stage == FREE -> f_new = OWN(cpu)
	:: else -> f_new = NONE
	fi;
	f_ok = (f_new != NONE);
	if
	:: f_ok ->
		rq[f_new].waiter = AWAITED;
		rq[f_new].element = an_element;
		score[cpu].awaited++;
		queue_add(f_new, an_op)
	:: else
	fi
}

inline queue_del(slot) {
	if
	:: rq[slot].stage == PENDING -> pending ?? eval(slot)
	:: else -> sent ?? eval(slot)
	fi;
	rq[slot].stage = FREE;
	if
	:: IS_STORE(OP_KIND(rq[slot].op)) -> once(rq[slot].op, OVER)
	:: else
	fi;
	if
	:: IS_OWN(slot) ->
		if
		:: rq[slot].waiter != AWAITED -> score_wake(OWNER(rq[slot].op))
		:: else
		fi
	:: else ->
		if
		:: starved ->
			starved = false;
			score_wake_all()
		:: else
		fi
	fi;
	if
	:: quiet_waiting -> quiet_task = RUNNING
	:: else
	fi;
	check_progress(rq[slot].seq);
	rq[slot].waiter = POSTED;
	rq[slot].element = 0;
	rq[slot].replayed = false;
	rq[slot].op = 0;
	rq[slot].seq = 0
}

inline queue_answer(slot, value) {
	if
	:: rq[slot].waiter == POSTED -> score_unpost(OWNER(rq[slot].op))
	:: rq[slot].waiter == AWAITED ->
		if
		:: IS_LOAD(OP_KIND(rq[slot].op)) ->
			score[OWNER(rq[slot].op)].data[rq[slot].element] = value
		:: else
		fi;
		score_answer(OWNER(rq[slot].op))
	:: else
	fi
}

inline queue_drop(slot) {
	queue_answer(slot, NONE);
	queue_del(slot)
}

/* The pending ones that were there before go behind those that came just now. */
inline requeue(before) {
	f_count = before;
	do
	:: f_count > 0 -> pending ? f_slot; pending ! f_slot; f_count--
	:: else -> break
	od
}

inline queue_unsend(last_seq) {
	f_i = 0;
	do
	:: f_i < SLOTS && rq[f_i].stage == SENT && rq[f_i].seq > last_seq &&
	   rq[f_i].waiter == ABANDONED -> queue_drop(f_i); f_i++
	:: f_i == SLOTS -> break
	:: else -> f_i++
	od;
	f_i = len(pending);
	f_count = len(sent);
	do
	:: f_count > 0 ->
		sent ? f_slot;
		if
		:: rq[f_slot].seq > last_seq ->
			rq[f_slot].stage = PENDING;
			pending ! f_slot
		:: else -> sent ! f_slot
		fi;
		f_count--
	:: else -> break
	od;
	requeue(f_i);
	if
	:: len(pending) > 0 -> slave_wake()
	:: else
	fi
}

inline queue_forget_one(slot) {
	if
	:: IS_STORE(OP_KIND(rq[slot].op)) ->
		rq[slot].waiter = POSTED;
		score[OWNER(rq[slot].op)].posted++
	:: else ->
		rq[slot].waiter = ABANDONED;
		if
		:: rq[slot].stage == PENDING -> queue_drop(slot)
		:: else
		fi
	fi
}

inline queue_forget(cpu) {
	f_i = 0;
	do
	:: f_i < SLOTS && rq[f_i].stage != FREE && OWNER(rq[f_i].op) == cpu &&
	   rq[f_i].waiter == AWAITED -> queue_forget_one(f_i); f_i++
	:: f_i == SLOTS -> break
	:: else -> f_i++
	od;
	score[cpu].awaited = 0;
	score[cpu].data[0] = 0;
	score[cpu].data[1] = 0
}

/* The sent ones, and those that are pending as well. */
inline queue_fail(both) {
	do
	:: len(sent) > 0 -> sent ? < f_slot >; queue_drop(f_slot)
	:: both && len(sent) == 0 && len(pending) > 0 ->
		pending ? < f_slot >; queue_drop(f_slot)
	:: else -> break
	od
}

inline queue_replay() {
	f_i = len(pending);
	do
	:: len(sent) > 0 ->
		sent ? < f_slot >;
		if
		:: rq[f_slot].waiter == ABANDONED -> queue_drop(f_slot)
		:: else ->
			sent ? f_slot;
			rq[f_slot].stage = PENDING;
			rq[f_slot].replayed = true;
			pending ! f_slot
		fi
	:: else -> break
	od;
	requeue(f_i)
}

/* f_seq is that of the request that has waited longest, or 0. */
inline queue_oldest() {
	f_seq = 0;
	if
	:: len(sent) > 0 -> sent ? < f_slot >; f_seq = rq[f_slot].seq
	:: len(sent) == 0 && len(pending) > 0 ->
		pending ? < f_slot >; f_seq = rq[f_slot].seq
	:: else
	fi
}

/* --- doorbell.c --------------------------------------------------------------- */

#define MAY_RING(cpu, kind) (IS_BELL(kind) && doorbells != 0 && score[cpu].posted == 0)

inline ring(cpu, an_op, whose) {
	assert(whose != cut);
	check_older_stores(cpu, an_op);
	once(an_op, OVER);
	once(an_op, RUNG)
}

/* f_ok is whether it has rung. */
inline doorbell_ring(cpu, an_op) {
	f_ok = MAY_RING(cpu, OP_KIND(an_op));
	if
	:: f_ok ->
		assert(doorbells == slave && !IS_DEAD);
		ring(cpu, an_op, doorbells)
	:: else
	fi
}

/* --- device.c --------------------------------------------------------------- */

inline unserve() {
	doorbells = 0
}

inline fail(new_state) {
	state = new_state;
	failed_once = true;
	unserve();
	queue_fail(true);
	slave_wake();
	notified = true
}

inline hold() {
	state = HELD;
#if REPLAY
	queue_replay()
#else
	failed_once = failed_once || len(sent) > 0;
	queue_fail(false)
#endif
}

inline lose_slave() {
	unserve();
	slave_wake();
	slave = 0;
	notified = true;
	if
	:: state != LIVE
#if HOLD
	:: else -> hold()
#else
	:: else -> fail(FAILED)
#endif
	fi
}

/* --- access.c ---------------------------------------------------------------- */

/*
 * The local variables of a vCPU's process that belong to its devuser_access: acc,
 * done, queued, my_abandons, kept. f_ok is whether some more elements are
 * finished.
 */

#define LEFT		(COUNT(acc) - done)

inline access_begin(cpu) {
	queued = 0;
	score[cpu].oldest = 0;
	moved[cpu] = false;
	score[cpu].expired = false
}

inline access_start(cpu) {
	my_abandons = abandons;
	access_begin(cpu)
}

/* R3, and no reply but one's own. */
inline check_load(cpu, an_op, value) {
	assert(value == an_op || (value == NONE && (failed_once || abandoned_once)));
	if
	:: value != NONE -> check_older_stores(cpu, an_op)
	:: else
	fi
}

/* R16 */
inline check_store(an_acc) {
	if
	:: IS_STORE(KIND(an_acc)) && !IS_POSTED(KIND(an_acc)) ->
		assert((fate[OP(an_acc, 0)] & OVER) || abandoned_once);
		assert(COUNT(an_acc) == 1 || (fate[OP(an_acc, 1)] & OVER) || abandoned_once)
	:: else
	fi
}

inline access_void(cpu) {
	do
	:: LEFT > 0 ->
		if
		:: IS_LOAD(KIND(acc)) -> check_load(cpu, OP(acc, done), NONE)
		:: else -> discard(OP(acc, done))
		fi;
		done++
	:: else -> break
	od;
	queued = 0;
	f_ok = true
}

inline access_post(cpu) {
	f_count = done;
	do
	:: LEFT > 0 ->
		doorbell_ring(cpu, OP(acc, done));
		if
		:: !f_ok -> queue_post(cpu, OP(acc, done))
		:: else
		fi;
		if
		:: f_ok -> done++
		:: else -> break
		fi
	:: else -> break
	od;
	f_ok = done > f_count
}

inline access_abandon(cpu) {
	abandoned_once = true;
	queue_forget(cpu);
	if
	:: IS_STORE(KIND(acc)) ->
		done = done + queued;
		queued = 0;
		access_post(cpu)
	:: else
	fi;
	access_void(cpu)
}

inline access_collect(cpu) {
	if
	:: score[cpu].awaited > 0 -> f_ok = false
	:: score[cpu].awaited == 0 && IS_LOAD(KIND(acc)) && score[cpu].posted > 0 ->
		f_ok = false
	:: else ->
		f_i = 0;
		do
		:: f_i < queued ->
			if
			:: IS_LOAD(KIND(acc)) ->
				check_load(cpu, OP(acc, done + f_i), score[cpu].data[f_i])
			:: else -> assert(fate[OP(acc, done + f_i)] & OVER)
			fi;
			score[cpu].data[f_i] = 0;
			f_i++
		:: else -> break
		od;
		done = done + queued;
		queued = 0;
		f_ok = true
	fi
}

inline access_step_fast(cpu) {
	f_ok = false;
	if
	:: IS_POSTED(KIND(acc)) -> access_post(cpu)
	:: IS_BELL(KIND(acc)) && !IS_POSTED(KIND(acc)) ->
		doorbell_ring(cpu, OP(acc, done));
		if
		:: f_ok -> done++
		:: else
		fi
	:: else
	fi
}

inline access_queue(cpu) {
	do
	:: queued < LEFT ->
		queue_await(cpu, OP(acc, done + queued), queued);
		if
		:: f_ok -> queued++
		:: else -> break
		fi
	:: else -> break
	od;
	f_ok = false;
	if
	:: queued == 0 && IS_STORE(KIND(acc)) -> starved = true
	:: else
	fi
}

inline access_step(cpu) {
	if
#if ABANDONS
	:: my_abandons != abandons -> access_abandon(cpu)
#endif
	:: my_abandons == abandons && queued > 0 -> access_collect(cpu)
	:: my_abandons == abandons && queued == 0 && IS_DEAD -> access_void(cpu)
	:: else ->
		access_step_fast(cpu);
		if
		:: !f_ok -> access_queue(cpu)
		:: else
		fi
	fi
}

inline access_expire(cpu) {
	if
	:: score[cpu].oldest != f_seq ->
		score[cpu].oldest = f_seq;
		moved[cpu] = false;
		score[cpu].expired = false
	:: else ->
		assert(!IS_DEAD && !moved[cpu]);
		fail(FAILED);
		f_again = true
	fi
}

inline access_look_at_time(cpu) {
	queue_oldest();
	if
	:: score[cpu].oldest == 0 -> score[cpu].oldest = f_seq
	:: else
	fi;
	if
	:: score[cpu].expired -> access_expire(cpu)
	:: else
	fi
}

inline access_try(cpu) {
	do
	:: true ->
		f_again = false;
		access_step(cpu);
#if TIMED
		if
		:: !f_ok -> access_look_at_time(cpu)
		:: else
		fi;
#endif
		if
		:: !f_again -> break
		:: else
		fi
	od
}

/* --- run.c -------------------------------------------------------------------- */

inline run_keep(cpu) {
	kept = acc;
	access_begin(cpu);
	queued = 1
}

inline run_drop_kept(cpu) {
	queue_forget(cpu);
	kept = NONE
}

/* Of the exit, the address and the shape are all that can be compared. */
#define LOOKS_AS_KEPT(acc) (kept == (acc) || DIVERTS == 2 && KIND(acc) == LOAD)

/* The load that was kept is the one that the exit is for, or nobody waits for it. */
inline run_take_kept(cpu) {
	if
	:: LOOKS_AS_KEPT(acc) -> kept = NONE
	:: else -> run_drop_kept(cpu); access_start(cpu)
	fi
}

inline run_take(cpu) {
	if
	:: kept != NONE -> run_take_kept(cpu)
	:: else -> access_start(cpu)
	fi
}

inline run_drop_stale(cpu) {
	if
	:: kept != NONE -> run_drop_kept(cpu)
	:: else
	fi
}

/* --- iobus.c, and the guest ----------------------------------------------------- */

#define MAY_QUEUE_EARLY(acc) \
	(EARLY && KIND(acc) == LOAD && kept == NONE && state == LIVE)

proctype vcpu(byte cpu) {
	byte acc = FIRST(cpu), done, queued, my_abandons, whose, kept = NONE;
	bool ok;

next:
	/* The callbacks; whose doorbell it is has been read when it is rung. */
	if
	:: COUNT(acc) == 0 -> goto over
	:: d_step { MAY_RING(cpu, KIND(acc)) ->
			assert(doorbells == slave && !IS_DEAD);
			score[cpu].in_srcu = true;
			whose = doorbells }
		d_step {
			ring(cpu, OP(acc, 0), whose);
			whose = 0;
			score[cpu].in_srcu = false
		}
		goto over
	:: !MAY_RING(cpu, KIND(acc)) && IS_POSTED(KIND(acc)) -> goto post
	:: !MAY_RING(cpu, KIND(acc)) && IS_STORE(KIND(acc)) && !IS_POSTED(KIND(acc)) ->
		goto exit
	:: d_step { IS_LOAD(KIND(acc)) && kept == NONE && IS_DEAD -> access_void(cpu) }
		goto over
	:: d_step { MAY_QUEUE_EARLY(acc) ->
			queue_await(cpu, OP(acc, 0), 0);
			ok = f_ok;
			score[cpu].in_srcu = ok;
			my_abandons = abandons }
		goto spin
	:: IS_LOAD(KIND(acc)) && !(kept == NONE && IS_DEAD) && !MAY_QUEUE_EARLY(acc) ->
		goto exit
	fi;
post:	skip;	/* Each element has its call. */
	d_step {
		queue_post(cpu, OP(acc, done));
		done = done + f_ok;
		ok = f_ok && LEFT > 0
	}
	if
	:: d_step { ok -> ok = false } goto post
	:: !ok && LEFT == 0 -> goto over
	:: !ok && LEFT > 0 -> goto exit
	fi;
spin:	/* devuser_read_early() */
	if
	:: !ok -> goto exit
	:: d_step { ok && SCORE_IS_ANSWERED(cpu) ->
			check_load(cpu, OP(acc, 0), score[cpu].data[0]);
			score[cpu].data[0] = 0;
			my_abandons = 0;
			score[cpu].in_srcu = false;
			ok = false }
		goto over
	:: d_step { ok -> run_keep(cpu); score[cpu].in_srcu = false; ok = false }
		/* While a range is moved, the bus may come with it again. */
		goto diverted
	fi;
diverted:
	if
	:: MOVES -> goto next
	/* A device of the kernel's serves the load, as it does all from there. */
	:: DIVERTS == 1 -> goto over
	/* KVM_RUN ends without an exit, or with another. */
	:: DIVERTS > 0 -> d_step { run_drop_stale(cpu) } goto over
	:: goto exit
	fi;
exit:	skip;
	d_step { run_take(cpu) }
kvm_run:	skip;
	/* devuser_access_sleep() */
	d_step { score[cpu].waiting = true; score[cpu].task = SLEEPING }
try:	skip;
	d_step { access_try(cpu); ok = f_ok }
	if
	:: d_step { ok ->
			ok = false;
			score[cpu].waiting = false;
			score[cpu].task = RUNNING;
			access_begin(cpu) }
		if
		:: LEFT > 0 -> goto kvm_run
		:: else -> goto over
		fi
	/* -EINTR, and KVM_RUN again */
	:: d_step { !ok && score[cpu].signal ->
			score[cpu].signal = false;
			score[cpu].waiting = false;
			score[cpu].task = RUNNING }
		goto kvm_run
	/* schedule_hrtimeout() returns */
	:: d_step { !ok && (score[cpu].task == RUNNING || score[cpu].expired) ->
			score[cpu].task = SLEEPING }
		goto try
	fi;
over:	skip;
	d_step {
		check_store(acc);
		done = 0;
		if
		:: kept == NONE -> my_abandons = 0
		:: else
		fi;
		acc++
	}
	if
	:: acc <= LAST(cpu) -> goto next
	:: else
	fi;
	d_step {
		run_drop_stale(cpu);
		my_abandons = 0;
		queued = 0;
		acc = 0;
		done_vcpus++
	}
}

/* --- slave.c ------------------------------------------------------------------ */

/* Loads from before the abandon get no answer. */
#define IS_MUTE(slot)	(MUTE && rq[slot].stage == SENT && rq[slot].seq < abandoned_seq && \
			 IS_LOAD(OP_KIND(rq[slot].op)))

/* What the process has read and not answered yet: its op, plus 1. */
#define WITHHELD(slot)	(IS_MUTE(slot) && slave == me && rq[slot].op + 1 == to_answer[slot])
#define TO_ANSWER(slot)	(to_answer[slot] != 0 && !WITHHELD(slot))
#if POOL > 1
#define HAS_TO_ANSWER	(TO_ANSWER(0) || TO_ANSWER(1) || TO_ANSWER(2) || TO_ANSWER(3))
#else
#define HAS_TO_ANSWER	(TO_ANSWER(0) || TO_ANSWER(1) || TO_ANSWER(2))
#endif

/* From here it is on its way to userspace, without the lock. */
inline queue_send() {
	n = 0;
	do
	:: len(pending) > 0 && n < BATCH ->
		pending ? f_slot;
		assert(rq[f_slot].waiter != ABANDONED);
		rq[f_slot].stage = SENT;
		sent ! f_slot;
		got_slot[n] = f_slot;
		got_seq[n] = rq[f_slot].seq;
		got_op[n] = rq[f_slot].op;
		got_new[n] = !rq[f_slot].replayed;
		n++
	:: else -> break
	od
}

/* The process has some of it: it may answer it, and must not see anything twice. */
inline receive(count) {
	f_i = 0;
	do
	:: f_i < count ->
		if
		:: got_new[f_i] -> once(got_op[f_i], READ)
		:: else
		fi;
		fate[got_op[f_i]] = fate[got_op[f_i]] | SHOWN;
		assert(got_seq[f_i] > last_read_seq);
		last_read_seq = got_seq[f_i];
		to_answer[got_slot[f_i]] = got_op[f_i] + 1;
		f_i++
	:: else -> break
	od;
	got_slot[0] = 0; got_seq[0] = 0; got_op[0] = 0; got_new[0] = false;
	got_slot[1] = 0; got_seq[1] = 0; got_op[1] = 0; got_new[1] = false;
	n = 0
}

inline transfer_put_back(last_seq) {
	if
	:: slave == me -> queue_unsend(last_seq)
	:: else
	fi
}

/* What arrives: all, or what lies before a fault. */
inline transfer_read_batch() {
	atomic {
		if
		:: arrived = n
		:: FAULTS && !faulted -> arrived = 0
		:: FAULTS && !faulted && n > 1 -> arrived = 1
		fi;
		d_step {
#if FAULTS
			if
			:: arrived < n ->
				faulted = true;
				f_seq = (arrived > 0 -> got_seq[0] : got_seq[0] - 1);
				transfer_put_back(f_seq)
			:: else
			fi;
#endif
			receive(arrived);
			arrived = 0
		}
	}
}

inline transfer_sleep() {
	d_step { reader_waiting[me] = true; reader_task[me] = SLEEPING }
	if
	:: SLAVE_HAS_NEWS(me)
	:: else ->
		if
		:: reader_task[me] == RUNNING
		:: may_die
		fi
	fi;
	d_step { reader_waiting[me] = false; reader_task[me] = RUNNING }
}

/* What is refused changes nothing; nothing is that this slave has read and not lost. */
inline queue_reply(slot) {
	if
	:: slave == me && state == LIVE && rq[slot].stage == SENT &&
	   rq[slot].op + 1 == to_answer[slot] ->
		assert(me != cut);
		queue_answer(slot, to_answer[slot] - 1);
		queue_del(slot)
	:: else -> assert(slave != me || state != LIVE)
	fi;
	to_answer[slot] = 0
}

proctype slave_process(byte me; bool may_die) {
	byte n, arrived, slot, last_read_seq;
	byte got_slot[BATCH], got_seq[BATCH], got_op[BATCH];
	bool got_new[BATCH], faulted;
	byte to_answer[SLOTS];

	/* KVM_DEV_USER_DOORBELLS */
	d_step {
		if
		:: HAS_BELLS && slave == me && !IS_DEAD -> doorbells = me
		:: else
		fi
	}
	do
	:: may_die -> break
	:: STOPS && me == 1 -> silent = true; (slave != me || IS_DEAD) -> break
	:: atomic { HAS_TO_ANSWER ->
			if
			:: TO_ANSWER(0) -> slot = 0
			:: TO_ANSWER(1) -> slot = 1
			:: TO_ANSWER(2) -> slot = 2
#if POOL > 1
			:: TO_ANSWER(3) -> slot = 3
#endif
			fi;
			d_step { queue_reply(slot); slot = 0 } }
	/* devuser_transfer_take() */
	:: slave != me || IS_DEAD -> break
	:: d_step { slave == me && !IS_DEAD && len(pending) > 0 -> queue_send() }
		transfer_read_batch()
	/* With replies left to give it does not wait in read(). */
	:: !HAS_TO_ANSWER && !SLAVE_HAS_NEWS(me) -> transfer_sleep()
	od;
	skip;
	/* devuser_slave_release() */
	d_step {
		if
		:: slave == me -> lose_slave()
		:: else
		fi
	}
}

/* --- master.c ----------------------------------------------------------------- */

#define IS_OVER(slot)	(rq[slot].stage == FREE || IS_MUTE(slot))
#define ALL_OVER	(IS_OVER(0) && IS_OVER(1) && IS_OVER(2) && IS_OVER(SLOTS - 1))

inline open_slave(dies) {
	d_step {
		slaves++;
		slave = slaves;
		notified = false;
		state = LIVE
	}
	run slave_process(slaves, dies)
}

proctype master() {
	bool abandoned, revoked;
	byte whose;

	atomic { open_slave(DIES) }
	do
	:: done_vcpus == VCPUS && (silent || ALL_OVER) -> break
	:: CLOSES -> break
	:: atomic { notified && slave == 0 && slaves < SLAVES &&
		    (state == HELD || state == FAILED) ->
		open_slave(false) }
	:: d_step { ABANDONS && !abandoned -> 
			abandoned = true;
			abandoned_seq = next_seq;
			abandons++;
			score_wake_all() }
#if REVOKES
	:: d_step { !revoked && slave != 0 ->
			revoked = true;
			whose = slave;
			lose_slave() }
		/* synchronize_srcu_expedited() */
		!score[0].in_srcu;
		!score[1].in_srcu;
		d_step { cut = whose; whose = 0 }
#endif
	od;
	skip;
	d_step {
		f_ok = failed_once || done_vcpus < VCPUS || !ALL_OVER;
		fail(GONE);
		failed_once = f_ok
	}
}

/* devuser_master_quiet() with KVM_DEV_USER_QUIET_BARRIER. */
proctype quiet() {
	byte before_seq;
	bool is_quiet;

	before_seq = next_seq;
	do
	:: d_step { quiet_waiting = true; quiet_task = SLEEPING }
		d_step { queue_oldest(); is_quiet = (f_seq == 0 || f_seq >= before_seq) }
		if
		:: is_quiet -> break
		:: else -> (quiet_task == RUNNING)
		fi
	od;
	skip;
	d_step {
		quiet_waiting = false;
		quiet_task = RUNNING;
		is_quiet = false;
		f_i = 0;
		do
		:: f_i < SLOTS ->
			assert(rq[f_i].stage == FREE || rq[f_i].seq >= before_seq);
			f_i++
		:: else -> break
		od;
		before_seq = 0
	}
}

/* --- what comes from outside, or does not ---------------------------------------- */

proctype signals() {
	byte left = SIGNALS;

	do
	:: d_step { left > 0 -> score[0].signal = true; left-- }
	:: left = 0; break
	od
}

/* Of a slave that answers nothing more, deadlines pass until that has been seen. */
#define MAY_EXPIRE(cpu)	(score[cpu].waiting && !score[cpu].expired)

proctype timer() {
	byte left = EXPIRES, more = (STOPS -> 3 : 0);

	do
	:: d_step { left > 0 && MAY_EXPIRE(0) -> score[0].expired = true; left-- }
	:: d_step { left > 0 && MAY_EXPIRE(1) -> score[1].expired = true; left-- }
	:: left > 0 -> left = 0
	:: d_step { left == 0 && more > 0 && silent && MAY_EXPIRE(0) ->
		score[0].expired = true; more-- }
	:: d_step { left == 0 && more > 0 && silent && MAY_EXPIRE(1) ->
		score[1].expired = true; more-- }
	:: done_vcpus == VCPUS -> break
	od
}

inline check_end() {
	f_i = 0;
	do
	:: f_i < OPS && IS_STORE(OP_KIND(f_i)) && f_i % 2 < COUNT(f_i / 2) ->
		assert(fate[f_i] & OVER);
		assert(failed_once || (fate[f_i] & (SHOWN | RUNG | VOID)));
		f_i++
	:: f_i == OPS -> break
	:: else -> f_i++
	od
}

init {
	atomic {
		kinds[0] = A0; kinds[1] = A1; kinds[2] = A2; kinds[3] = B0; kinds[4] = B1;
		f_i = 0;
		do
		:: f_i < ACCESSES ->
			counts[f_i] = (KIND(f_i) == NOTHING -> 0 : (IS_STRING(KIND(f_i)) -> 2 : 1));
			f_i++
		:: else -> break
		od;
		f_i = 0;
		do
		:: f_i < SLOTS -> rq[f_i].stage = FREE; rq[f_i].waiter = POSTED; f_i++
		:: else -> break
		od;
		score[0].task = RUNNING;
		score[1].task = RUNNING;
		run master();
		(state != IDLE) -> run vcpu(0);
		run vcpu(1);
		if
		:: WAITS -> run quiet()
		:: else
		fi;
		if
		:: SIGNALS > 0 -> run signals()
		:: else
		fi;
		if
		:: TIMED -> run timer()
		:: else
		fi
	}
	(_nr_pr == 1) -> d_step { check_end() }
}
