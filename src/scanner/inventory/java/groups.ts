/**
 * Groups of artifacts whose jars do not say them: those that Gradle built, and Apache Tomcat's. Public names in Maven
 * Central; an artifact is told by how its name begins.
 */
const groups: readonly (readonly [start: string, group: string])[] = [
  ['spring-boot', 'org.springframework.boot'],
  ['spring-security', 'org.springframework.security'],
  ['spring-cloud', 'org.springframework.cloud'],
  ['spring-data', 'org.springframework.data'],
  ['spring-session', 'org.springframework.session'],
  ['spring-integration', 'org.springframework.integration'],
  ['spring-kafka', 'org.springframework.kafka'],
  ['spring-', 'org.springframework'],
  ['tomcat-embed', 'org.apache.tomcat.embed'],
  ['tomcat-', 'org.apache.tomcat'],
  ['hibernate-', 'org.hibernate'],
  ['kotlin-', 'org.jetbrains.kotlin'],
  ['kotlinx-', 'org.jetbrains.kotlinx'],
  ['okhttp', 'com.squareup.okhttp3'],
  ['okio', 'com.squareup.okio'],
  ['retrofit', 'com.squareup.retrofit2'],
  ['reactor-netty', 'io.projectreactor.netty'],
  ['reactor-', 'io.projectreactor'],
  ['micrometer-', 'io.micrometer'],
  ['grpc-', 'io.grpc'],
  ['ktor-', 'io.ktor'],
  ['micronaut-', 'io.micronaut'],
  ['lucene-', 'org.apache.lucene'],
  ['kafka-', 'org.apache.kafka'],
  ['groovy', 'org.codehaus.groovy'],
  ['elasticsearch', 'org.elasticsearch'],
  ['mockito-', 'org.mockito'],
  ['junit-jupiter', 'org.junit.jupiter'],
  ['byte-buddy', 'net.bytebuddy'],
  ['rxjava', 'io.reactivex.rxjava3'],
];

export function knownGroup(artifact: string): string | undefined {
  return groups.find(([start]) => artifact.startsWith(start))?.[1];
}
