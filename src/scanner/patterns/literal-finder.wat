;; The inner loop of literal-finder.ts, where the layout of the memory is. `npm run wasm` makes literal-finder.wasm of it.
(module
  (import "finder" "memory" (memory 1))

  ;; A byte for each hash: whether there is a gram of it.
  (global $known i32 (i32.const 0))
  ;; Four bytes for each hash: where its first gram is.
  (global $heads i32 (i32.const 0x10000))

  ;; The place at which the last search ended.
  (global $next (export "next") (mut i32) (i32.const 0))

  ;; Of three bytes; the same for either case of a letter.
  (func $hashAt (param $at i32) (result i32)
    (i32.shr_u
      (i32.mul
        (i32.or (i32.and (i32.load align=1 (local.get $at)) (i32.const 0xffffff)) (i32.const 0x202020))
        (i32.const 0x9e3779b1))
      (i32.const 16)))

  (func $isKnownAt (param $at i32) (result i32)
    (i32.load8_u (i32.add (global.get $known) (call $hashAt (local.get $at)))))

  ;; Writes down each literal that may begin around a place. Returns the end of what is written.
  (func $tell (param $at i32) (param $out i32) (result i32)
    (local $gram i32)
    (local.set $gram
      (i32.load (i32.add (global.get $heads) (i32.shl (call $hashAt (local.get $at)) (i32.const 2)))))
    (block $done
      (loop $grams
        (br_if $done (i32.eqz (local.get $gram)))
        ;; The four bytes that are the rarest of the literal.
        (if (i32.eq
              (i32.or
                (i32.load align=1 (i32.sub (local.get $at) (i32.load offset=4 (local.get $gram))))
                (i32.const 0x20202020))
              (i32.load (local.get $gram)))
          (then
            (i32.store (local.get $out) (i32.load offset=8 (local.get $gram)))
            (i32.store offset=4 (local.get $out)
              (i32.sub (local.get $at) (i32.load offset=12 (local.get $gram))))
            (local.set $out (i32.add (local.get $out) (i32.const 8)))))
        (local.set $gram (i32.load offset=16 (local.get $gram)))
        (br $grams)))
    (local.get $out))

  ;; Looks at every second place from `at` on and before `end`, until more than `full` is written. Returns as `tell` does.
  (func (export "search") (param $at i32) (param $end i32) (param $out i32) (param $full i32) (result i32)
    (local $stop i32)
    (block $done
      (loop $more
        ;; Four at once, as long as none is known.
        (block $known
          (loop $unknown
            (br_if $known (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
            (br_if $known
              (i32.or
                (i32.or
                  (call $isKnownAt (local.get $at))
                  (call $isKnownAt (i32.add (local.get $at) (i32.const 2))))
                (i32.or
                  (call $isKnownAt (i32.add (local.get $at) (i32.const 4)))
                  (call $isKnownAt (i32.add (local.get $at) (i32.const 6))))))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br $unknown)))
        (local.set $stop (i32.add (local.get $at) (i32.const 8)))
        (loop $each
          (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
          (br_if $done (i32.gt_u (local.get $out) (local.get $full)))
          (if (call $isKnownAt (local.get $at))
            (then (local.set $out (call $tell (local.get $at) (local.get $out)))))
          (local.set $at (i32.add (local.get $at) (i32.const 2)))
          (br_if $each (i32.lt_u (local.get $at) (local.get $stop))))
        (br $more)))
    (global.set $next (local.get $at))
    (local.get $out)))
