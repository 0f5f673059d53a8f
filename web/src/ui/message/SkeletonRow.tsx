import classes from "./SkeletonRow.module.css";

/** A message that is being fetched. Its width follows from its place, so that a page of them looks like talk. */
export function SkeletonRow({ seq }: { seq: number }) {
  const width = 30 + ((seq * 37) % 40);
  return (
    <div className={classes.row} aria-hidden="true">
      <span className={classes.disc} />
      <span className={classes.bar} style={{ width: `${width}%` }} />
    </div>
  );
}
