// The administrators' pages (placeholder of the scaffold).
export default function Admin() {
  return <main />;
}
